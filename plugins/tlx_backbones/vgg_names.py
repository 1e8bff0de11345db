"""Under which names VGG's tensors are published."""

from tlx.weights import Names
from tlx_backbones.names import STEPS, Rules, layer, norm


def _convolutions(depths: tuple[int, ...], normalised: bool) -> Rules:
    """Both torchvision and timm number all layers: convolutions, batch norms, ReLUs and pools."""
    rules, at = [], 0
    for stage, depth in enumerate(depths):
        for i in range(depth):
            rules += layer(rf"features\.{at}", f"stages/{stage}/convs/{i}")
            if normalised:
                rules += norm(rf"features\.{at + 1}", f"stages/{stage}/bns/{i}")
            at += 3 if normalised else 2
        at += 1
    return tuple(rules)


def published(depths: tuple[int, ...], normalised: bool = False) -> dict[str, Names]:
    """Of a whole VGG: convolutions, two dense layers, classifier."""
    convolutions = _convolutions(depths, normalised)
    dense = {
        "torchvision": layer(r"classifier\.0", "fc1")
        + layer(r"classifier\.3", "fc2")
        + layer(r"classifier\.6", "head"),
        "timm": layer(r"pre_logits\.fc([12])", r"fc\1") + layer(r"head\.fc", "head"),
    }
    return {source: Names(convolutions + rules, (STEPS,) if normalised else ()) for source, rules in dense.items()}


def published_convolutions(depths: tuple[int, ...], normalised: bool = False) -> dict[str, Names]:
    """Of the convolutions alone: what the published file has besides is not wanted."""
    rules = _convolutions(depths, normalised)
    dense = {"torchvision": (r"classifier\..*",), "timm": (r"pre_logits\..*", r"head\..*")}
    return {source: Names(rules, (STEPS, *ignored)) for source, ignored in dense.items()}
