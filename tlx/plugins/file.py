"""A single file as a plugin: executed under a module name of its own, and searched for strategies."""

import hashlib
import inspect
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType

from tlx.errors import PluginError
from tlx.hooks import Register, hookimpl


def load_file(path: Path) -> ModuleType:
    """The module of a `.py` file, executed anew.

    Its name holds a digest of its path: files of one name do not meet, and another process gives it the same name.

    Raises:
        PluginError: there is no such file, or it fails; the message names file and line.
    """
    if path.suffix != ".py" or not path.is_file():
        what = "is not a .py file" if path.exists() else "does not exist"
        raise PluginError(f"plugin file '{path}' {what}; expected the path of a Python file")
    path = path.resolve()
    module = ModuleType(f"tlx_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        # Not by an import: bytecode that is kept by time and size is stale after two edits within a second.
        exec(compile(path.read_bytes(), path, "exec"), vars(module))
    except BaseException as error:
        del sys.modules[module.__name__]
        if isinstance(error, KeyboardInterrupt):
            raise
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = error.lineno if isinstance(error, SyntaxError) and not lines else (lines or [None])[-1]
        what = error.msg if isinstance(error, SyntaxError) else error
        place = f"{path}, line {line}" if line else str(path)
        raise PluginError(f"{place}: {type(error).__name__}: {what}") from error
    return module


class StrategiesOf:
    """The hook of a module that has none: it brings the `@strategy` classes of the module, by snake_case name.

    Raises:
        PluginError: the module defines none.
    """

    def __init__(self, module: ModuleType):
        from tlx.contract import Strategy  # the module is one that imports JAX anyway

        own = [item for item in vars(module).values() if isinstance(item, type) and item.__module__ == module.__name__]
        own = [item for item in own if issubclass(item, Strategy) and not item.__name__.startswith("_")]
        self.strategies = {snake_case(item.__name__): item for item in own if "__dataclass_fields__" in vars(item)}
        if not self.strategies:
            line = inspect.getsourcelines(own[0])[1] if own else 1
            what = f"class {own[0].__name__} is not marked @tlx.strategy" if own else "it has no hook and no strategy"
            expected = "`@tlx.strategy class Name(tlx.Strategy)`, or a `@tlx.hookimpl`"
            raise PluginError(f"{module.__file__}, line {line}: {what}; expected {expected}")

    @hookimpl
    def tlx_strategies(self, register: Register) -> None:
        """Registers them."""
        for name, kind in self.strategies.items():
            register(name, kind)


def snake_case(name: str) -> str:
    """A class name as a name of a plugin: "MeanShift" -> "mean_shift", "KLGaussian" -> "kl_gaussian"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
