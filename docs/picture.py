"""Draws docs/quick.svg from the committed results: every strategy on one small shift, at `last`."""

import json
from pathlib import Path

from tlx.score.intervals import interval

ROOT = Path(__file__).parents[1]


def rows() -> list[tuple[str, float, float, float]]:
    """Name, mean, lower and upper bound of each strategy that sees no label of the target, the highest mean first."""
    found = []
    for path in sorted((ROOT / "benchmarks/results/quick-all").glob("*.json")):
        result = json.loads(path.read_text())
        if result["setting"] in ("unsupervised", "source-free", "test-time"):
            values = [seed["accuracy"] for seed in result["selections"]["last"]["scores"]]
            middle, low, high = interval(values)
            assert low is not None and high is not None, path
            found.append((result["spec"]["strategy"], middle, low, high))
    return sorted(found, key=lambda row: -row[1])


def draw(rows: list[tuple[str, float, float, float]]) -> str:
    """The bars of (name, mean, lower and upper bound of the 95% t-interval), accuracies from 0 to 1."""
    step, left, wide, top = 16, 124, 250, 20
    across, down = left + wide + 16, top + step * len(rows) + 6
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}" height="{down}" viewBox="0 0 {across} {down}" '
        'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
    ]
    for tick in range(0, 11, 2):
        x = left + wide * tick / 10
        lines.append(
            f'<text x="{x:g}" y="{top - 6}" text-anchor="middle">{tick / 10:g}</text>'
            f'<path d="M{x:g} {top}V{down - 4}" stroke="#d0d0d0"/>'
        )
    for row, (name, middle, low, high) in enumerate(rows):
        y = top + row * step
        bold = ' font-weight="bold"' if name == "source_only" else ""
        lines.append(
            f'<text x="{left - 6}" y="{y + 12}" text-anchor="end"{bold}>{name}</text>'
            f'<rect x="{left}" y="{y + 2}" width="{middle * wide:.1f}" height="12" fill="#9bbfe0"/>'
            f'<path d="M{left + low * wide:.1f} {y + 8}H{left + high * wide:.1f}" stroke="black"/>'
        )
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    (ROOT / "docs/quick.svg").write_text(draw(rows()))
