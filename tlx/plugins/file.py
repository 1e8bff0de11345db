"""A single file as a plugin: imported under a name of its own, and searched for strategies."""

import hashlib
import importlib.util
import re
import sys
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from tlx.errors import PluginError
from tlx.plugins import lazy


class _Fresh(SourceFileLoader):
    """Compiles the source each time: bytecode kept by time and size is stale after two edits within a second."""

    def get_code(self, fullname: str):
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


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
    lazy.parse.cache_clear()  # the file may have changed since it was last read in this process
    lazy.parse(path)
    name = f"tlx_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Fresh(name, str(path)))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise PluginError(f"{where}: {type(error).__name__}: {error}") from error
    return module


def strategies(module: ModuleType) -> dict[str, type]:
    """The `@strategy` classes that a module without hooks defines, by snake_case name.

    Raises:
        PluginError: there is none.
    """
    from tlx.contract import Strategy  # the module is one that imports JAX anyway

    own = [item for item in vars(module).values() if isinstance(item, type) and item.__module__ == module.__name__]
    own = [item for item in own if issubclass(item, Strategy) and not item.__name__.startswith("_")]
    marked = {snake_case(item.__name__): item for item in own if "__dataclass_fields__" in vars(item)}
    if not marked:
        where = f"{module.__file__}, line {_line(module, own[0].__name__)}" if own else f"{module.__file__}, line 1"
        what = f"class {own[0].__name__} is not marked @tlx.strategy" if own else "it has no hook and no strategy"
        raise PluginError(f"{where}: {what}; expected `@tlx.strategy class Name(tlx.Strategy)`, or a `@tlx.hookimpl`")
    return marked


def snake_case(name: str) -> str:
    """ "MeanShift" -> "mean_shift", "KLGaussian" -> "kl_gaussian"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _line(module: ModuleType, name: str) -> int:
    tree = lazy.parse(Path(str(module.__file__)))
    return next((node.lineno for node in tree.body if getattr(node, "name", None) == name), 1)
