"""Starting files: a strategy, backbone or dataset that passes `tlx check` as written, alone or as a package."""

import keyword
import re
from pathlib import Path
from string import Template

from tlx.errors import PluginError, TlxError, UnknownName

KINDS = ("strategy", "backbone", "dataset")
TEMPLATES = Path(__file__).parent / "templates"


def write(kind: str, name: str, folder: Path, package: bool = False) -> list[Path]:
    """Writes NAME.py, or the package tlx_NAME, into a folder, and gives the paths, the first one to look at first.

    Raises:
        UnknownName: `kind` is none of `KINDS`.
        PluginError: the name is not one in snake_case, or a file is already there.
        TlxError: the folder cannot be written.
    """
    files = package_files(kind, name) if package else {f"{name}.py": single_file(kind, name)}
    paths = {folder / path: text for path, text in files.items()}
    root = folder / f"tlx_{name}" if package else next(iter(paths))
    if root.exists():
        raise PluginError(f"'{root}' is already there; nothing was written. Choose another name, or --out DIR.")
    try:
        for path, text in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    except OSError as error:
        raise TlxError(f"cannot write '{error.filename or folder}': {error.strerror or error}") from error
    return list(paths)


def single_file(kind: str, name: str) -> str:
    """The text of a file for `--plugin`. A strategy needs no hook there; the other kinds bring theirs."""
    words = _words(kind, name) | {"file": f"{name}.py", "use": f"--plugin {name}.py"}
    if kind != "strategy":
        targets = {"target": words["checked"], "target_dim": f"{name}_dim", "target_task": "TASK"}
        words["file_import"] = ", hookimpl" if kind == "dataset" else "\nfrom tlx import hookimpl\n"
        words["file_hooks"] = _filled(f"{kind}_hooks.txt", words | targets)
    return _filled(f"{kind}.py.txt", words)


def package_files(kind: str, name: str) -> dict[str, str]:
    """The texts of a package to install, by path: the module, its hooks, a test, pyproject.toml and a README."""
    words = _words(kind, name) | {"file": name, "use": ""}
    module = f"{words['package']}.{name}"
    targets = {"target": words["checked"], "target_dim": f"{name}_dim", "target_task": "TASK"}
    targets = {key: f'"{module}:{target}"' for key, target in targets.items()}
    texts = {
        f"{words['package']}/{name}.py": _filled(f"{kind}.py.txt", words),
        f"{words['package']}/__init__.py": _filled("init.py.txt", words)
        + _filled(f"{kind}_hooks.txt", words | targets),
        f"tests/test_{name}.py": _filled("test.py.txt", words),
        "pyproject.toml": _filled("pyproject.toml.txt", words),
        "README.md": _filled("readme.md.txt", words),
    }
    return {f"{words['package']}/{path}": text for path, text in texts.items()}


def next_steps(kind: str, name: str, path: Path, package: bool) -> str:
    """What to do with what was written."""
    if package:
        return f"next:\n  pip install -e {path.parent.parent}\n  tlx check {name}"
    run = {
        "strategy": f"tlx run mnist5k:optdigits {name}",
        "backbone": f"tlx run mnist5k:optdigits source_only --backbone {name}",
        "dataset": f"tlx run {name}:{name}_dim source_only --steps 100",
    }
    return f"next:\n  tlx check {path}\n  {run[kind]} --plugin {path}"


def _words(kind: str, name: str) -> dict[str, str]:
    if kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        snake = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()
        fine = re.fullmatch(r"[a-z][a-z0-9_]*", snake) and not keyword.iskeyword(snake)
        raise PluginError(f"got the name '{name}'; expected one in snake_case, like {snake if fine else 'mean_shift'}")
    capital = "".join(part.capitalize() for part in name.split("_"))
    checked = name if kind == "dataset" else capital
    words = {"kind": kind, "name": name, "Name": capital, "package": f"tlx_{name}", "checked": checked}
    return words | {"file_import": "", "file_hooks": ""}


def _filled(template: str, words: dict[str, str]) -> str:
    text = Template((TEMPLATES / template).read_text()).substitute(words)
    return re.sub(r" +$", "", text, flags=re.MULTILINE).rstrip("\n") + "\n"
