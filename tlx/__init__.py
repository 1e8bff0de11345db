"""tlx: transfer strategies as plugins, scored side by side on the same tasks, seeds and protocols.

Names are imported when first used: `import tlx` imports no JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tlx.blocks.additive import Additive as Additive
    from tlx.blocks.additive import Outputs as Outputs
    from tlx.contract import (
        Batch as Batch,
    )
    from tlx.contract import (
        Context as Context,
    )
    from tlx.contract import (
        Features as Features,
    )
    from tlx.contract import (
        FieldFacts as FieldFacts,
    )
    from tlx.contract import (
        Images as Images,
    )
    from tlx.contract import (
        Inputs as Inputs,
    )
    from tlx.contract import (
        Key as Key,
    )
    from tlx.contract import (
        Labelled as Labelled,
    )
    from tlx.contract import (
        Labels as Labels,
    )
    from tlx.contract import (
        Logits as Logits,
    )
    from tlx.contract import (
        Loss as Loss,
    )
    from tlx.contract import (
        Metrics as Metrics,
    )
    from tlx.contract import (
        Model as Model,
    )
    from tlx.contract import (
        NotShown as NotShown,
    )
    from tlx.contract import (
        Objective as Objective,
    )
    from tlx.contract import (
        Online as Online,
    )
    from tlx.contract import (
        Phase as Phase,
    )
    from tlx.contract import (
        Running as Running,
    )
    from tlx.contract import (
        Sampler as Sampler,
    )
    from tlx.contract import (
        Scalar as Scalar,
    )
    from tlx.contract import (
        State as State,
    )
    from tlx.contract import (
        Strategy as Strategy,
    )
    from tlx.contract import (
        Sweep as Sweep,
    )
    from tlx.contract import (
        Tree as Tree,
    )
    from tlx.contract import (
        Unlabelled as Unlabelled,
    )
    from tlx.contract import (
        keep as keep,
    )
    from tlx.contract import (
        static as static,
    )
    from tlx.contract import (
        strategy as strategy,
    )
    from tlx.data.label_space import LabelSpace as LabelSpace
    from tlx.data.protocol import Draw as Draw
    from tlx.data.protocol import Protocol as Protocol
    from tlx.data.shift import Task as Task
    from tlx.data.task import Arrays as Arrays
    from tlx.data.task import Dataset as Dataset
    from tlx.engine.recipe import Recipe as Recipe
    from tlx.errors import (
        ContractError as ContractError,
    )
    from tlx.errors import (
        DataAbsent as DataAbsent,
    )
    from tlx.errors import (
        DataError as DataError,
    )
    from tlx.errors import (
        NotShownError as NotShownError,
    )
    from tlx.errors import (
        PluginError as PluginError,
    )
    from tlx.errors import (
        ResultError as ResultError,
    )
    from tlx.errors import (
        SettingError as SettingError,
    )
    from tlx.errors import (
        SlowWarning as SlowWarning,
    )
    from tlx.errors import (
        TlxError as TlxError,
    )
    from tlx.errors import (
        UnknownName as UnknownName,
    )
    from tlx.errors import (
        WeightsError as WeightsError,
    )
    from tlx.errors import (
        nearest as nearest,
    )
    from tlx.hooks import hookimpl as hookimpl
    from tlx.lab import Lab as Lab
    from tlx.lab import bench as bench
    from tlx.lab import figure as figure
    from tlx.lab import load as load
    from tlx.lab import run as run
    from tlx.lab import sweep as sweep
    from tlx.report.results import Results as Results
    from tlx.reproduce.table import PaperTable as PaperTable
    from tlx.reproduce.table import ProgramTable as ProgramTable
    from tlx.runs.overrides import Overrides as Overrides
    from tlx.runs.runner import Save as Save
    from tlx.runs.suite import Suite as Suite
    from tlx.score.selectors import Evidence as Evidence
    from tlx.score.selectors import Selector as Selector
    from tlx.score.transferability import Pair as Pair
    from tlx.score.transferability import Transferability as Transferability
    from tlx.trained.trained import Trained as Trained

__version__ = "0.2.0"

_HOMES = {
    "tlx.blocks.additive": "Additive Outputs",
    "tlx.lab": "Lab bench figure load run sweep",
    "tlx.runs.overrides": "Overrides",
    "tlx.runs.runner": "Save",
    "tlx.runs.suite": "Suite",
    "tlx.contract": "Batch Context Features FieldFacts Images Inputs Key Labelled Labels Logits Loss Metrics Model "
    "NotShown Objective Online Phase Running Sampler Scalar State Strategy Sweep Tree Unlabelled keep static strategy",
    "tlx.data.label_space": "LabelSpace",
    "tlx.data.protocol": "Draw Protocol",
    "tlx.data.shift": "Task",
    "tlx.data.task": "Arrays Dataset",
    "tlx.engine.recipe": "Recipe",
    "tlx.errors": "ContractError DataAbsent DataError NotShownError PluginError ResultError SettingError SlowWarning "
    "TlxError UnknownName WeightsError nearest",
    "tlx.hooks": "hookimpl",
    "tlx.report.results": "Results",
    "tlx.reproduce.table": "PaperTable ProgramTable",
    "tlx.score.selectors": "Evidence Selector",
    "tlx.score.transferability": "Pair Transferability",
    "tlx.trained.trained": "Trained",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}


if not TYPE_CHECKING:  # a type checker that saw it would let any name pass
    __all__ = sorted(_HOME)

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'tlx' has no attribute '{name}'")
        return globals().setdefault(name, getattr(import_module(_HOME[name]), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
