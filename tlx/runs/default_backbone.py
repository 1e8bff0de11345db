"""The backbone of a run that names none: by what a row of its task is."""

from tlx.data.task import Task
from tlx.data.tree import leaves
from tlx.errors import DataError, SettingError, UnknownName
from tlx.plugins import Registry

DEFAULT, LARGEST = "lenet", 32  # pixels
KNOWN = {
    "small images": ("resnet18_cifar", "wrn_28_2", "mobilenet_v2_cifar"),
    "large images": ("resnet18", "resnet50", "mobilenet_v2", "efficientnet_lite0", "vit_tiny_patch16"),
    "vector": ("mlp", "features"),
    "sequence": ("cnn1d", "mlp"),
}
LARGE = 96  # pixels from which on the networks of ImageNet fit


def default_backbone(registry: Registry, task: Task) -> str:
    """`lenet` for images of up to 32 pixels, and where nothing is known of the rows.

    Raises:
        SettingError: other rows; the message names backbones for them.
    """
    shape = _shape(registry, task)
    if shape is None or (shape[0] == "image" and max(shape[1][:2]) <= LARGEST):
        return DEFAULT
    kind, size = shape
    group = kind if kind != "image" else "large images" if max(size[:2]) >= LARGE else "small images"
    there = {entry.name for entry in registry.entries("backbones")}
    fit = [name for name in KNOWN.get(group, ()) if name in there]
    known = f"one of {', '.join(fit)}" if fit else "one of tlx list backbones"
    rows = f"images of {size[0]}x{size[1]} pixels" if kind == "image" else f"rows of the kind {kind}"
    smaller = " Or show smaller images: by the task's protocol, or a folder's ?size=32." if kind == "image" else ""
    raise SettingError(
        f"Task '{task.name}' has {rows}, and the default backbone, {DEFAULT}, is for images of up to {LARGEST}; "
        f"expected --backbone NAME, in Python backbone=NAME, {known}.{smaller}"
    )


def _shape(registry: Registry, task: Task) -> tuple[str, tuple[int, ...]] | None:
    """The kind and the shape of a row as the network sees it; None where the data cannot be had, which the run says."""
    protocol = task.protocol
    side = protocol.resize or protocol.size
    found = []
    for name in dict.fromkeys(map(protocol.edition, (*task.sources, *task.targets))):
        try:
            source = registry.entry("datasets", name).source()
            if image := getattr(source, "shape", None):
                assert source.key  # which looks whether its files are there
                found.append(("image", image))
            elif side is not None:
                found.append(("image", (side, side)))  # of inputs that are none, the network says so
            else:
                dataset = registry.get("datasets", name)
                found.append((dataset.input.kind, leaves(dataset.train.x)[0].shape[1:]))
        except (DataError, UnknownName):
            return None
    kind = found[0][0]
    if kind == "image" and side is not None:
        return kind, (side, side)
    return max(found, key=lambda item: item[1][:2])
