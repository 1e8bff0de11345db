"""From the folder that a run saved to a model that can be applied."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tlx.errors import ResultError, SettingError, UnknownName, WeightsError
from tlx.plugins import Registry
from tlx.runs.about import About, code_of
from tlx.runs.resolve import Lookup
from tlx.runs.result import Result
from tlx.runs.settings import make_strategy
from tlx.trained.trained import Trained
from tlx.weights import files
from tlx.weights.save import ABOUT
from tlx.weights.source import SEED

log = logging.getLogger(__name__)
LARGEST = 2**26  # bytes of a result that is looked at for its command


def load(registry: Registry, run: str | Path, seed: int | None = None, allow_other_code: bool = False) -> Trained:
    """The model that a run saved with `--save` (`save=` in Python), to apply it to new rows.

    `run` is that folder, or the file of one seed in it. Of several seeds the first is taken, or `seed`. The names of
    strategy and backbone have to be registered: of a plugin that is a file, load that first.

    Raises:
        WeightsError: there is no such folder or file, no model or no such seed in it, models of different runs, a
            damaged file; code of strategy, backbone or engine that is another now, unless `allow_other_code`.
        UnknownName, PluginError: the strategy or the backbone is not registered.
        SettingError: the strategy has no such settings.
    """
    if not isinstance(run, str | Path) or not str(run).strip():
        raise SettingError(f"run is {run!r:.60}; expected the folder that a run saved its model in, or a file of it.")
    try:
        path = _file(Path(run).expanduser(), seed)
    except (OSError, RuntimeError) as error:  # a name that is too long, or of no user
        raise WeightsError(f"'{run}' cannot be looked at: {error}") from error
    tensors = files.safetensors(path)
    about = _about(path, tensors)
    return put_together(registry, about, tensors, str(path), allow_other_code)


def put_together(
    registry: Registry, about: About, tensors: Mapping[str, np.ndarray], where: str, allow_other_code: bool
) -> Trained:
    """The model of a description and its tensors; `where` is where they are from. Raises as `load`."""
    kind, backbone = _registered(registry, where, about)
    strategy, _ = make_strategy(kind, dict(about.spec.settings), about.spec.strategy)
    _compare(where, about, code_of(kind, backbone), allow_other_code)
    from tlx.engine import apply

    spec = apply.spec_of(backbone, about.facts, about.spec.recipe)
    try:
        state = apply.put_together(strategy, spec, about.phase, tensors)
    except WeightsError as error:
        raise WeightsError(f"{where} is no model of '{about.spec.strategy}' as it is here: {error}") from error
    if odd := [name for name, tensor in tensors.items() if _is_parameter(name) and not np.isfinite(tensor).all()]:
        log.warning("%s: %d tensors hold NaN or infinite numbers, as %s: the run diverged", where, len(odd), odd[0])
    return Trained(about, strategy, spec, state)


def _registered(registry: Registry, where: str, about: About) -> tuple[type, Any]:
    """The strategy and the backbone of a model. No plugin is loaded for it: a file of weights is to run no code."""
    lookup = Lookup(registry)
    try:
        return lookup.strategy(about.spec.strategy)[1], lookup.backbone(about.spec.backbone)[1]
    except UnknownName as error:
        if not (plugins := about.spec.plugin_files):
            raise
        options = " ".join(f"--plugin {file}" for file in plugins)
        how = f"{options}, in Python tlx.Lab(plugins={list(plugins)}).load(...)"
        raise WeightsError(f"{where} was trained with plugins that are not loaded; expected {how}. {error}") from error


def _is_parameter(name: str) -> bool:
    """Whether a tensor holds parameters: an `extra` may be infinite on purpose."""
    return name.startswith("state/params/") or not name.startswith("state/")


def _file(path: Path, seed: int | None) -> Path:
    """The file of the seed. Raises WeightsError where there is none."""
    if path.is_file():
        own = _about(path)
        if seed is not None and own.seed != seed:
            raise WeightsError(f"{path} is the model of seed {own.seed}; expected seed {seed}.")
        return path
    if not path.is_dir():
        raise WeightsError(f"There is no folder or file '{path}'; expected what tlx run ... --save DIR has written.")
    numbered = {_seed(file): file for file in path.glob(SEED.format("*")) if _seed(file) is not None}
    if not numbered:
        raise WeightsError(_without(path))
    if len(runs := {_about(file).spec.hash for file in numbered.values()}) > 1:
        raise WeightsError(f"{path} holds models of {len(runs)} different runs; expected one, or the file of a seed.")
    chosen = min(numbered) if seed is None else seed
    if chosen not in numbered:
        raise WeightsError(
            f"{path} has no model of seed {seed}; it has those of: {', '.join(map(str, sorted(numbered)))}."
        )
    return numbered[chosen]


def _seed(path: Path) -> Any:
    word = path.name.removeprefix("seed-").removesuffix(".safetensors")
    return int(word) if word.isdecimal() else None


def _without(path: Path) -> str:
    """Why a folder has no model to load."""
    results = sorted(file for file in path.glob("*.json") if file.is_file() and file.stat().st_size < LARGEST)
    for file in results:
        try:
            command = Result.parse(file.read_bytes()).spec.command
        except (OSError, KeyError, ValueError, ResultError, SettingError):
            continue
        return (
            f"{path} is a folder of results, which hold scores and no weights; --save DIR keeps the model of a run: "
            f"{command} --save DIR"
        )
    below = sorted({file.parent for file in path.glob(f"*/{SEED.format('*')}")})
    hint = f" Did you mean {' or '.join(map(str, below[:3]))}?" if below else ""
    expected = "expected the folder that tlx run ... --save DIR has written"
    return f"{path} holds no model (no {SEED.format('N')}); {expected}.{hint}"


def _about(path: Path, tensors: dict[str, np.ndarray] | None = None) -> About:
    text = files.about(path, ABOUT)
    if text is None:
        raise WeightsError(
            f"{path} holds weights, and does not say of which model: another program wrote it, or an earlier tlx. "
            "tlx run ... --save DIR writes models."
        )
    try:
        return About.parse(text, tensors)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error


def _compare(where: str, about: About, now: dict[str, str], allowed: bool) -> None:
    """Refuses a model whose code is another now."""
    spec = about.spec
    who = {
        "strategy": f"strategy '{spec.strategy}'",
        "backbone": f"backbone '{spec.backbone}'",
        "engine": "tlx's engine",
    }
    changed = [name for key, name in who.items() if about.code.get(key) and about.code.get(key) != now[key]]
    unknown = [name for key, name in who.items() if not about.code.get(key)]
    if unknown:
        log.warning("%s: nothing is known of the code of %s that it was trained by", where, " and ".join(unknown))
    if not changed:
        return
    told = (
        f"{where} was trained by other code of {' and '.join(changed)} than is here (tlx {about.versions.get('tlx')})"
    )
    if not allowed:
        raise WeightsError(
            f"{told}, so its predictions may be others than those that were scored. Train again, or go on all the same "
            "by --other-code (in Python allow_other_code=True)."
        )
    log.warning("%s; its predictions may be others than those that were scored", told)
