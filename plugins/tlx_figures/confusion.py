"""Confusion matrices."""

from typing import TYPE_CHECKING

import numpy as np

from tlx import ResultError
from tlx_figures.looks import few, fit, panels, settle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tlx.report import View

NUMBERS, NAMES = 10, 30  # classes up to which cells have numbers, and ticks have names


def draw(figure: "Figure", view: "View") -> None:
    """Which classes are taken for which: a panel a run, rows true, in percent of the row, over all seeds."""
    runs = [item for item in view.results if item.selections[view.selection].scores[0].confusion]
    if not runs:
        raise ResultError("There is no confusion matrix to draw: the targets have no classes.")
    labels = [f"{view.title(item)}: {view.name(item)}" for item in runs]
    few(labels, 9, "runs", "strategies")
    axes, _, rows = panels(figure, len(runs), 2.2)
    for ax, item, label in zip(axes, runs, labels, strict=True):
        counts = np.sum([score.confusion for score in item.selections[view.selection].scores], axis=0)
        share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        ax.imshow(share, cmap="Greys", vmin=0, vmax=1)
        ax.set_title(label)
        names = item.classes if len(item.classes) == len(counts) else [str(at) for at in range(len(counts))]
        every = -(-len(counts) // NAMES)
        ticks = range(0, len(counts), every)
        shown = [fit(names[at], 14) for at in ticks]
        small = 7 if len(counts) <= NUMBERS else 5
        ax.set_xticks(ticks, shown, rotation=90 if max(map(len, shown)) > 2 else 0, fontsize=small)
        ax.set_yticks(ticks, shown, fontsize=small)
        ax.spines[["top", "right"]].set_visible(True)
        if len(counts) <= NUMBERS:
            for (true, told), part in np.ndenumerate(share):
                if (text := f"{100 * part:.0f}") != "0":
                    ax.text(told, true, text, ha="center", va="center", fontsize=5.5,
                            color="white" if part > 0.5 else "black")  # fmt: skip
    figure.supxlabel("predicted class", fontsize=8)
    figure.supylabel("true class (% of row)", fontsize=8)
    settle(figure, rows)
