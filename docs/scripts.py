"""The gallery: scripts whose comments are prose. `python docs/scripts.py [NAME...]` runs them in full.

What a script prints is kept beside it as JSON, and its pictures as files. The site shows these, and runs nothing.
"""

import contextlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

GALLERY = Path(__file__).parent / "gallery"
PICTURES = (".png", ".svg")


class Cell(NamedTuple):
    """Prose, and the code that follows it."""

    prose: str
    code: str


def names() -> list[str]:
    """The scripts' names."""
    return sorted(path.stem for path in GALLERY.glob("*.py"))


def parts(name: str) -> tuple[str, list[Cell]]:
    """A script's docstring, and its cells: a comment that begins a line is prose, and begins a cell."""
    head, text = re.match(r'"""(.*?)"""\n(.*)', (GALLERY / f"{name}.py").read_text(), re.DOTALL).groups()  # pyright: ignore
    found = re.findall(r"((?:^#.*\n)+)((?:(?!^#).*\n)*)", text, re.MULTILINE)
    return head, [Cell(re.sub(r"^# ?", "", prose, flags=re.MULTILINE), code.strip()) for prose, code in found]


def run(name: str, folder: Path) -> list[dict[str, Any]]:
    """Runs a script in a folder, and gives what each cell prints and the names of the pictures that it writes there."""
    outputs, space, there = [], {"__name__": "__main__"}, Path.cwd()
    os.chdir(folder)
    try:
        for cell in parts(name)[1]:
            before = {path.name for path in folder.iterdir()}
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(cell.code, f"{name}.py", "exec"), space)
            drawn = [path.name for path in sorted(folder.iterdir()) if path.suffix in PICTURES]
            outputs.append({"code": cell.code, "out": out.getvalue(), "pictures": sorted(set(drawn) - before)})
    finally:
        os.chdir(there)
    return outputs


def record(name: str) -> None:
    """Runs a script in full, and writes its outputs beside it."""
    import jax
    import matplotlib

    matplotlib.use("Agg")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        cells = run(name, Path(folder))
        seconds, device = round(time.perf_counter() - start), jax.devices()[0].device_kind
        for picture in (picture for cell in cells for picture in cell["pictures"]):
            shutil.copy(Path(folder, picture), GALLERY / f"{name}.{picture}")
    told = {"seconds": seconds, "cores": os.cpu_count(), "device": device, "cells": cells}
    (GALLERY / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")


def page(name: str) -> str:
    """The Markdown of a script with its outputs."""
    head, cells = parts(name)
    told = json.loads((GALLERY / f"{name}.json").read_text())
    title, _, rest = head.partition("\n\n")
    lines = [f"# {title.rstrip('.')}", rest.strip()]
    for cell, output in zip(cells, told["cells"], strict=True):
        lines.append(cell.prose)
        if cell.code:
            lines.append(f"```python\n{cell.code}\n```")
        if output["out"]:
            lines.append(f"```text\n{output['out'].rstrip()}\n```")
        lines += [f"![{title}](../gallery/{name}.{picture})" for picture in output["pictures"]]
    lines.append(
        f"The script is `docs/gallery/{name}.py`. What is shown was recorded in {told['seconds']} s on {told['cores']} "
        f"cores ({told['device']}), beside other work."
    )
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    for each in sys.argv[1:] or names():
        record(each)
