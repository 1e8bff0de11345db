"""Demsar's diagram."""

import logging
import math
import textwrap
from typing import TYPE_CHECKING

from tlx import ResultError
from tlx_figures.looks import most_lines, settle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tlx.report import View

BAR = 0.35  # of the height of a line of text, in which y is measured
log = logging.getLogger(__name__)


def draw(figure: "Figure", view: "View") -> None:
    """Mean ranks over the tasks, best on the left; a bar joins those that Nemenyi's test does not tell apart.

    Reference: Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006.
    """
    made = view.matrix()
    if made.ranking is None:
        raise ResultError(f"There is no diagram to draw: {'; '.join([made.reason, *made.left_out])}.")
    for note in made.left_out:
        log.warning(note)
    found = made.ranking
    names, worst = list(found.ranks), len(found.ranks)
    half = math.ceil(worst / 2)
    labels = [textwrap.fill(name, int(5 * figure.get_figwidth())) for name in names]
    top, row = 0.8 + BAR * len(found.groups), 0.2 + 0.8 * most_lines(labels)
    depth = top + row * half
    ax = figure.subplots()
    ax.set_axis_off()
    ax.set(xlim=(1, worst), ylim=(-depth, 3.2))
    ink = {"color": "black", "solid_capstyle": "butt", "clip_on": False}
    ax.plot([1, worst], [0, 0], linewidth=0.8, **ink)
    every = max(1, round(worst / 10))
    for rank in range(1, worst + 1, every):
        ax.plot([rank, rank], [0, 0.3], linewidth=0.8, **ink)
        ax.text(rank, 0.45, str(rank), ha="center", va="bottom", fontsize=7)
    reach = min(found.cd, worst - 1)
    ax.plot([1, 1 + reach], [2.2, 2.2], linewidth=0.8, **ink)
    for end in (1, 1 + reach):
        ax.plot([end, end], [2.0, 2.4], linewidth=0.8, **ink)
    note = f"CD = {found.cd:.2f} ({len(made.shared)} tasks, Friedman's p = {found.p:.2g})"
    ax.text(1, 2.5, note, ha="left", va="bottom", fontsize=7)
    for at, group in enumerate(found.groups):
        y = -0.5 - BAR * at
        ends = [found.ranks[group[0]], found.ranks[group[-1]]]
        ax.plot([ends[0] - 0.012 * worst, ends[1] + 0.012 * worst], [y, y], linewidth=2.2, **ink)
    gap = 0.03 * (worst - 1)
    for at, (name, label) in enumerate(zip(names, labels, strict=True)):
        first = at < half
        y = -top - row * (at if first else worst - 1 - at)
        end = 1 - gap if first else worst + gap
        ax.plot([found.ranks[name]] * 2 + [end], [0, y, y], linewidth=0.5, **ink)
        words = [label, f"{found.ranks[name]:.1f}"]
        text = "  ".join(words if first else reversed(words))
        ax.text(end + (-gap if first else gap) / 2, y, text, ha="right" if first else "left", va="center", fontsize=7)
    settle(figure, 1, 0.14 * (depth + 3.2))
