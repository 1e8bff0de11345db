"""The order of a backbone's layers in depth, for fine-tuning layer by layer."""

from collections.abc import Mapping, Sequence
from typing import Any

from tlx.engine.groups import fits
from tlx.errors import ContractError
from tlx.ops.paths import by_path

PREFIX = "features/"


def stages(
    own: Sequence[str] | None, order: Sequence[Sequence[str]], params: Mapping[str, Any], name: str
) -> tuple[str, ...]:
    """Globs over "features/..." paths, from the input to the output, that together hold each parameter once.

    `own` is the backbone's `depth`, globs over paths within it ("conv1/*|bn1/*", "layer1/*", ...), or None for its
    layers: its attributes, and the items of those that are lists. `order` has the names of its attributes in the order
    in which `__init__` set them, which the parameters have lost; and, before these, those of a bottleneck around it.

    Raises:
        ContractError: a parameter that is in none of the backbone's own stages, or in two; a stage without any.
    """
    paths = list(by_path(params))
    prefix = "backbone/" if len(order) > 1 else ""
    inner = [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]
    outer = [path for path in paths if not path.startswith(prefix)]
    found = [_prefixed(prefix, stage) for stage in (_layers(inner, order[-1]) if own is None else own)]
    out = tuple(_prefixed(PREFIX, stage) for stage in (*found, *_layers(outer, order[0])))
    for path in paths:
        holders = [stage for stage in out if fits(PREFIX + path, stage)]
        if len(holders) != 1:
            where = f"the stages {' and '.join(holders)}" if holders else f"none of its stages {', '.join(out)}"
            raise ContractError(f"backbone {name}: parameter '{PREFIX}{path}' is in {where}; expected one")
    if empty := [stage for stage in out if not any(fits(PREFIX + path, stage) for path in paths)]:
        raise ContractError(f"backbone {name}: stage '{empty[0]}' holds no parameter; it has: {', '.join(paths)}")
    return out


def _prefixed(prefix: str, stage: str) -> str:
    return "|".join(prefix + glob for glob in stage.split("|"))


def _layers(paths: Sequence[str], order: Sequence[str]) -> list[str]:
    places = {attribute: number for number, attribute in enumerate(order)}
    layers: dict[str, tuple[int, int]] = {}
    for path in paths:
        first, *rest = path.split("/")
        item = bool(rest) and rest[0].isdigit()
        layer = f"{first}/{rest[0]}" if item else first
        layers[layer if layer == path else f"{layer}/*"] = places.get(first, len(order)), int(rest[0]) if item else 0
    return sorted(layers, key=lambda layer: layers[layer])
