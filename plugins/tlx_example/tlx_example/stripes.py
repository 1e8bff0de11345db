"""Two drawn domains of four classes: straight stripes, and wavy ones with noise."""

import numpy as np

from tlx import Arrays, Dataset, Protocol, Task

CLASSES = ("horizontal", "vertical", "rising", "falling")
DIRECTIONS = np.array([(1, 0), (0, 1), (1, 1), (1, -1)])

PROTOCOL = Protocol("stripes", "28x28 grey, scaled to -1..1; fixed splits", size=28, channels=1)
STRIPES_TO_WAVES = Task(("stripes",), ("waves",), PROTOCOL, "from straight stripes to wavy ones")


def stripes() -> Dataset:
    """Straight stripes in four directions: 28x28 grey, 400 train and 200 test rows."""
    return Dataset("stripes", draw("stripes", 400, 1, 0), draw("stripes", 200, 2, 0), CLASSES)


def waves() -> Dataset:
    """The same stripes bent into waves, under noise: 28x28 grey, 400 train and 200 test rows."""
    return Dataset("waves", draw("waves", 400, 3, 2), draw("waves", 200, 4, 2), CLASSES)


def draw(name: str, rows: int, seed: int, bend: float) -> Arrays:
    """Images uint8 [rows, 28, 28, 1] and labels int32 [rows], drawn from a seed; `bend` in pixels."""
    random = np.random.default_rng(seed)
    y = np.arange(rows, dtype=np.int32) % len(CLASSES)
    down, across = np.mgrid[:28, :28].astype(float)
    along = DIRECTIONS[y, 0, None, None] * down + DIRECTIONS[y, 1, None, None] * across
    bent = along + bend * np.sin((down + across) / 4) + random.uniform(0, 8, (rows, 1, 1))
    x = 0.5 + 0.4 * np.sin(bent * np.pi / 4) + (0.02 + 0.04 * bend) * random.standard_normal(bent.shape)
    origin = np.array([f"{name}/{seed}/{row:04d}" for row in range(rows)])
    return Arrays((255 * x.clip(0, 1)).astype(np.uint8)[..., None], y, origin)
