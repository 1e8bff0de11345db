"""Rules from the names of published PyTorch tensors to ours, a layer at a time."""

Rules = tuple[tuple[str, str], ...]
STEPS = r".*\.num_batches_tracked"  # of batch norm: how often its statistics have moved; nothing of ours counts it


def layer(published: str, own: str) -> Rules:
    """Of a convolution or a linear layer; `published` is a regular expression, `own` its replacement."""
    return ((rf"{published}\.weight", f"{own}/kernel"), (rf"{published}\.bias", f"{own}/bias"))


def norm(published: str, own: str) -> Rules:
    """Of layer norm, and of batch norm with its running statistics."""
    leaves = (("weight", "scale"), ("bias", "bias"), ("running_mean", "mean"), ("running_var", "var"))
    return tuple((rf"{published}\.{theirs}", f"{own}/{ours}") for theirs, ours in leaves)
