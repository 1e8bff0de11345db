"""Curves of a run."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from tlx_figures.looks import LINES, few, legend, panels, settle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tlx.report import View


def draw(figure: "Figure", view: "View") -> None:
    """The target's test score over steps: a panel a task, a line a run, the mean over seeds and their range."""
    groups: dict[str, list] = {}
    for result in view.results:
        groups.setdefault(view.title(result), []).append(result)
    names = list(dict.fromkeys(map(view.name, view.results)))
    few(names, len(LINES), "runs of a task", "strategies")
    few(groups, 12, "tasks", "tasks")
    axes, columns, rows = panels(figure, len(groups), 1.6, sharey=True)
    lines = {}
    for at, (ax, (title, results)) in enumerate(zip(axes, groups.items(), strict=True)):
        ax.set_title(title)
        for result in results:
            name = view.name(result)
            steps = [point.step for point in result.curves]
            scores = np.array([point.target for point in result.curves])  # [evaluations, seeds]
            look = LINES[names.index(name)]
            ax.fill_between(steps, scores.min(1), scores.max(1), color=look["color"], alpha=0.12, linewidth=0)
            (lines[name],) = ax.plot(steps, scores.mean(1), **look, markevery=max(1, len(steps) // 6))
        ax.margins(x=0.03)
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 2.5, 5, 10]))
        ax.xaxis.set_major_formatter(lambda step, _: f"{step / 1000:g}k" if step >= 1000 else f"{step:g}")
        if at % columns == 0:
            ax.set_ylabel(f"target test {view.metric}")
    figure.supxlabel("step", fontsize=8)
    legend(figure, list(lines.values()), list(lines))
    settle(figure, rows, 1.2)
