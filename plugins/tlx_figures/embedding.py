"""Features of both domains."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import color_sequences, patheffects

from tlx_figures.looks import few, legend, panels, settle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tlx.report import View

NAMED = 12  # classes up to which each has its name at its middle


def draw(figure: "Figure", view: "View") -> None:
    """Features on their first two principal components, before and after: ○ source, ▲ target, a colour a class.

    The name of a class stands at the median of its target points.
    """
    kept = view.kept()
    few([view.name(item) for item, _ in kept], 6, "runs", "strategies")
    axes, _, rows = panels(figure, 2 * len(kept), figure.get_figwidth() / 2)
    marks: list[Any] = []
    for at, (item, arrays) in enumerate(kept):
        source, y, classes = arrays["source"], arrays["y"], arrays["classes"]
        shades = color_sequences["tab10" if len(classes) <= 10 else "tab20"]
        colors: Any = np.array(shades)[y % len(shades)]
        for ax, points, step in zip(axes[2 * at : 2 * at + 2], arrays["points"], arrays["steps"], strict=True):
            first, second = points.T
            marks = [
                ax.scatter(
                    first[source], second[source], 9, marker="o", facecolors="none", edgecolors=colors[source],
                    linewidths=0.6,
                ),
                ax.scatter(first[~source], second[~source], 8, colors[~source], marker="^", linewidths=0),
            ]  # fmt: skip
            for index in np.unique(y[~source]) if len(classes) <= NAMED else ():
                own = ~source & (y == index)
                name = str(classes[index]) if 0 <= index < len(classes) else "unknown"
                ax.text(
                    float(np.median(first[own])), float(np.median(second[own])), name, ha="center", va="center",
                    fontsize=7, path_effects=[patheffects.withStroke(linewidth=1.8, foreground="white")],
                )  # fmt: skip
            ax.set(xticks=[], yticks=[], xlim=(-1.08, 1.08), ylim=(-1.08, 1.08), aspect="equal")
            ax.set_title(f"{view.title(item)}: {view.name(item)}, step {step}")
            ax.spines[["top", "right"]].set_visible(True)
    legend(figure, marks, ["source", "target"])
    for handle, face in zip(figure.legends[0].legend_handles, ("none", "black"), strict=True):
        if handle is not None:
            handle.set(edgecolor="black", facecolor=face)
    settle(figure, rows)
