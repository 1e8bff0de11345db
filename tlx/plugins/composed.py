"""A composed strategy's entry: "dann+mcc" is made from the entries of its parts."""

from typing import TYPE_CHECKING

from tlx.errors import ContractError, PluginError
from tlx.plugins.entry import Entry

if TYPE_CHECKING:
    from tlx.plugins.registry import Registry


def composed(registry: "Registry", name: str) -> Entry:
    """The entry of a name with "+" in it.

    Raises:
        UnknownName, PluginError: a part is not registered, or fails to load.
        ContractError: a part is named twice, or is no cross-entropy on the source and a term; the message has all
            that are.
    """
    from tlx.blocks.sums import compose, composes  # JAX is behind it

    names = [part.strip() for part in name.split("+")]
    label = "+".join(names)
    kinds = [registry.get("strategies", part) for part in names]
    if twice := sorted({part for part in names if names.count(part) > 1}):
        raise ContractError(f"strategy '{label}' names '{twice[0]}' twice; give it a weight instead")
    if odd := [part for part, kind in zip(names, kinds, strict=True) if not composes(kind)]:
        raise ContractError(
            f"strategy '{label}': '{odd[0]}' is not cross-entropy on the source and a term, so it does not compose; "
            f"these do: {', '.join(_all(registry))}"
        )
    plugins = dict.fromkeys(registry.entry("strategies", part).plugin for part in names)
    return Entry("strategies", label, "+".join(plugins), compose(tuple(zip(names, kinds, strict=True))))


def _all(registry: "Registry") -> list[str]:
    from tlx.blocks.sums import composes

    names = []
    for entry in registry.entries("strategies"):
        try:
            names += [entry.name] if composes(registry.get("strategies", entry.name)) else []
        except PluginError:
            continue
    return names
