"""The 200 training photographs of BSDS500, as raw files.

Reference: Arbelaez, Maire, Fowlkes, Malik, "Contour detection and hierarchical image segmentation", TPAMI 33, 2011.
"""

from pathlib import Path

import numpy as np

from tlx.data import read_image
from tlx.store import File

HOST = "https://raw.githubusercontent.com/BIDS/BSDS500/master/BSDS500/data/images/train"


def _files() -> tuple[File, ...]:
    lines = Path(__file__).with_name("bsds500_train.txt").read_text().splitlines()
    parts = (line.split() for line in lines)
    return tuple(File(name, sha256, (f"{HOST}/{name}",), int(size)) for sha256, size, name in parts)


FILES = _files()


def photographs(folder: Path) -> list[np.ndarray]:
    """The photographs, uint8 [321, 481, 3] or [481, 321, 3], in the order of their names."""
    return [read_image(folder / file.name) for file in FILES]
