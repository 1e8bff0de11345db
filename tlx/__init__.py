"""tlx: transfer strategies as plugins, scored side by side on the same tasks, seeds and protocols.

Names are imported when first used: `import tlx` imports no JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlx.blocks.additive import Additive, Outputs
    from tlx.contract import (
        Batch,
        Context,
        Features,
        Images,
        Key,
        Labelled,
        Labels,
        Logits,
        Loss,
        Metrics,
        Model,
        NotShown,
        Objective,
        Phase,
        Scalar,
        State,
        Strategy,
        Sweep,
        Tree,
        Unlabelled,
        keep,
        strategy,
    )
    from tlx.data.protocol import Draw, Protocol
    from tlx.data.task import Arrays, Dataset, Task
    from tlx.engine.recipe import Recipe
    from tlx.errors import (
        ContractError,
        DataAbsent,
        DataError,
        NotShownError,
        PluginError,
        ResultError,
        SettingError,
        SlowWarning,
        TlxError,
        UnknownName,
        WeightsError,
        nearest,
    )
    from tlx.hooks import hookimpl
    from tlx.reproduce.table import PaperTable
    from tlx.runs.api import bench, run, sweep
    from tlx.runs.suite import Suite
    from tlx.score.selectors import Evidence, Selector
    from tlx.score.transferability import Pair, Transferability

__version__ = "0.1.0"

_HOMES = {
    "tlx.blocks.additive": "Additive Outputs",
    "tlx.runs.api": "bench run sweep",
    "tlx.runs.suite": "Suite",
    "tlx.contract": "Batch Context Features Images Key Labelled Labels Logits Loss Metrics Model NotShown Objective "
    "Phase Scalar State Strategy Sweep Tree Unlabelled keep strategy",
    "tlx.data.protocol": "Draw Protocol",
    "tlx.data.task": "Arrays Dataset Task",
    "tlx.engine.recipe": "Recipe",
    "tlx.errors": "ContractError DataAbsent DataError NotShownError PluginError ResultError SettingError SlowWarning "
    "TlxError UnknownName WeightsError nearest",
    "tlx.hooks": "hookimpl",
    "tlx.reproduce.table": "PaperTable",
    "tlx.score.selectors": "Evidence Selector",
    "tlx.score.transferability": "Pair Transferability",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'tlx' has no attribute '{name}'")
    return globals().setdefault(name, getattr(import_module(_HOME[name]), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
