"""The classifier of several dense layers that the first digits papers put on their features."""

from flax import nnx
from jaxtyping import Array, Float


class DenseClassifier(nnx.Module):
    """[dropout], linear, [batch norm], ReLU for every hidden width; then [dropout], linear to the classes.

    Dropout is before each of the first `dropped` linear layers, by default before all.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        rngs: nnx.Rngs,
        normalised: bool = False,
        dropout: float = 0.0,
        dropped: int | None = None,
    ):
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.fcs = nnx.List([nnx.Linear(fan_in, out, rngs=rngs) for fan_in, out in pairs])
        self.bns = nnx.List([nnx.BatchNorm(out, momentum=0.9, rngs=rngs) for out in widths[1:-1]] if normalised else [])
        self.drops = nnx.List([nnx.Dropout(dropout, rngs=rngs) for _ in pairs[:dropped]] if dropout else [])

    def __call__(self, x: Float[Array, "batch features"]) -> Float[Array, "batch classes"]:
        last = len(self.fcs) - 1
        for i, fc in enumerate(self.fcs):
            x = fc(self.drops[i](x) if i < len(self.drops) else x)
            if i < last:
                x = nnx.relu(self.bns[i](x) if self.bns else x)
        return x
