"""The order of a backbone's layers in depth, for fine-tuning layer by layer."""

from collections.abc import Mapping
from typing import Any

from tlx.engine.groups import Flat, fits, flatten
from tlx.errors import ContractError

PREFIX = "features/"


def stages(module: Any, backbone: Any, params: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Globs over "features/..." paths, from the input to the output, that together hold each parameter once.

    `module` is `backbone`, or a bottleneck around it as its attribute "backbone". They are the backbone's attribute
    `stages`, globs over paths within it ("conv1/*|bn1/*", "layer1/*", ...), or, without one, its layers: attributes,
    and the items of those that are lists, in the order in which `__init__` sets them.

    Raises:
        ContractError: a parameter that is in none of the backbone's own stages, or in two; a stage without any.
    """
    paths = flatten(params)
    if module is backbone:
        found = _within(backbone, paths, "")
    else:
        inner = {path.removeprefix("backbone/"): leaf for path, leaf in paths.items() if path.startswith("backbone/")}
        outer = {path: leaf for path, leaf in paths.items() if not path.startswith("backbone/")}
        found = [*_within(backbone, inner, "backbone/"), *_layers(module, outer)]
    out = tuple("|".join(PREFIX + glob for glob in stage.split("|")) for stage in found)
    for path in paths:
        holders = [stage for stage in out if fits(PREFIX + path, stage)]
        if len(holders) != 1:
            where = f"the stages {' and '.join(holders)}" if holders else f"none of its stages {', '.join(out)}"
            raise ContractError(f"backbone {name}: parameter '{PREFIX}{path}' is in {where}; expected one")
    if empty := [stage for stage in out if not any(fits(PREFIX + path, stage) for path in paths)]:
        raise ContractError(f"backbone {name}: stage '{empty[0]}' holds no parameter; it has: {', '.join(paths)}")
    return out


def _within(backbone: Any, paths: Flat, prefix: str) -> list[str]:
    own = getattr(type(backbone), "stages", None)
    found = _layers(backbone, paths) if own is None else own
    return ["|".join(prefix + glob for glob in stage.split("|")) for stage in found]


def _layers(module: Any, paths: Flat) -> list[str]:
    order = {attribute: number for number, attribute in enumerate(vars(module))}
    layers: dict[str, tuple[int, int]] = {}
    for path in paths:
        first, *rest = path.split("/")
        item = bool(rest) and rest[0].isdigit()
        glob = first if not rest else f"{first}/{rest[0]}" if len(rest) == 1 and item else f"{first}/*"
        glob = f"{first}/{rest[0]}/*" if item and len(rest) > 1 else glob
        layers[glob] = (order.get(first, len(order)), int(rest[0]) if item else 0)
    return sorted(layers, key=lambda glob: layers[glob])
