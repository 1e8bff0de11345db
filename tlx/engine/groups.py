"""Parameter groups: which leaves an objective trains, by group name or glob.

Parameters are addressed by path, "features/conv1/kernel"; a glob may be several, "features/conv1/*|features/bn1/*", and
stands for a group wherever one is named. Optimizer states are kept flat per group ({path: leaf}),
not as masked copies of the tree, so that a phase may add a group without changing the shape of the others.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from tlx.contract import State
from tlx.engine.networks import is_copy
from tlx.errors import ContractError, nearest
from tlx.ops.paths import by_path

Flat = dict[str, Any]


def fits(path: str, globs: str) -> bool:
    """Whether one of the globs, joined by "|", fits a path."""
    return any(fnmatchcase(path, glob) for glob in globs.split("|"))


def select(state: State, trains: Sequence[str], globs: Mapping[str, str], where: str) -> dict[str, tuple[str, ...]]:
    """The paths that each name in `trains` stands for: {group: paths}; "*" for all groups but copies of networks.

    Raises:
        ContractError: a name is neither a group nor "*"; a group holds no parameter; two names share a parameter.
    """
    params = state.params
    paths = list(by_path(params))
    known = [*params, *globs]
    chosen: dict[str, tuple[str, ...]] = {}
    every = [name for name in params if not is_copy(state.stats, name)]
    for name in every if tuple(trains) == ("*",) else trains:
        if name in globs:
            found = tuple(path for path in paths if fits(path, globs[name]))
        elif name in params:
            found = tuple(path for path in paths if path.split("/")[0] == name)
        elif "/" in name:
            found = tuple(path for path in paths if fits(path, name))
        else:
            guess = nearest(name, known)
            hint = f"did you mean {' or '.join(guess)}? " if guess else ""
            raise ContractError(f"{where} trains unknown group '{name}'; {hint}groups: {', '.join(known)}")
        if not found:
            glob = f" (glob '{globs[name]}')" if name in globs else ""
            raise ContractError(
                f"{where} trains group '{name}'{glob}, which holds no parameter of this backbone; "
                f"parameters: {', '.join(paths)}"
            )
        chosen[name] = found
    _refuse_overlap(chosen, where)
    return chosen


def _refuse_overlap(chosen: Mapping[str, tuple[str, ...]], where: str) -> None:
    owner: dict[str, str] = {}
    for name, found in chosen.items():
        for path in found:
            if path in owner:
                raise ContractError(f"{where} trains '{path}' twice, by groups '{owner[path]}' and '{name}'")
            owner[path] = name
