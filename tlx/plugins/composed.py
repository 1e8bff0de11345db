"""A composed strategy's entry: "dann+mcc" or "shot+rw" is made from the entries of its parts."""

from typing import TYPE_CHECKING

from tlx.errors import ContractError, PluginError
from tlx.plugins.entry import Entry

if TYPE_CHECKING:
    from tlx.plugins.registry import Registry


def composed(registry: "Registry", name: str) -> Entry:
    """The entry of a name with "+" in it.

    Raises:
        UnknownName, PluginError: a part is not registered, or fails to load.
        ContractError: a part is named twice, or is neither a wrapper, nor the only part that is none, nor cross-entropy
            on the source and a term; the message has all that are the last.
    """
    from tlx.blocks.sums import compose, composes  # JAX is behind it
    from tlx.blocks.wrappers import Wrapper, wrap

    names = [part.strip() for part in name.split("+")]
    label = "+".join(names)
    kinds = [registry.get("strategies", part) for part in names]
    if twice := sorted({part for part in names if names.count(part) > 1}):
        raise ContractError(f"strategy '{label}' names '{twice[0]}' twice; give it a weight instead")
    parts = tuple(zip(names, kinds, strict=True))
    around = tuple(part for part in parts if issubclass(part[1], Wrapper))
    within = tuple(part for part in parts if part not in around) or around[:1]
    odd = [part for part, kind in within if not composes(kind)] if len(within) > 1 else []
    if odd:
        raise ContractError(
            f"strategy '{label}': '{odd[0]}' is not cross-entropy on the source and a term, so it does not compose; "
            f"these do: {', '.join(_all(registry))}"
        )
    plugins = dict.fromkeys(registry.entry("strategies", part).plugin for part in names)
    if len(within) > 1:
        within = (("+".join(name for name, _ in within), compose(within)),)
    outer = tuple(part for part in around if part not in within)
    parts = (*within, *outer)
    return Entry("strategies", label, "+".join(plugins), wrap(parts) if outer else parts[0][1])


def _all(registry: "Registry") -> list[str]:
    from tlx.blocks.sums import composes

    names = []
    for entry in registry.entries("strategies"):
        try:
            names += [entry.name] if composes(registry.get("strategies", entry.name)) else []
        except PluginError:
            continue
    return names
