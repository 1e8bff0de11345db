"""Gains of strategies."""

import textwrap
from statistics import fmean
from typing import TYPE_CHECKING

from tlx import ResultError
from tlx.report import row_name
from tlx_figures.looks import few, most_lines, panels, settle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tlx.report import View


def draw(figure: "Figure", view: "View") -> None:
    """The gain over the baseline: a panel a task, a bar a run; whiskers: its interval, band: the baseline's.

    A gain below 0, negative transfer, is hatched. The best on average is above.
    """
    groups: dict[str, dict] = {}
    for cell in view.cells:
        if cell["gain"] is not None and cell["strategy"] != cell["baseline"]:
            groups.setdefault(view.title(cell), {})[row_name(cell)] = cell
    if not groups:
        raise ResultError(f"There is no gain to draw: no result of '{view.baseline}' beside others on the same task.")
    few(groups, 12, "tasks", "tasks")
    gains: dict[str, list[float]] = {}
    for group in groups.values():
        for name, cell in group.items():
            gains.setdefault(name, []).append(cell["gain"])
    names = sorted(gains, key=lambda name: fmean(gains[name]))
    labels = [textwrap.fill(name, int(7 * figure.get_figwidth())) for name in names]
    axes, _, rows = panels(figure, len(groups), 1.6, sharex=True, sharey=True)
    for ax, (title, group) in zip(axes, groups.items(), strict=True):
        ax.set_title(title)
        for name, cell in group.items():
            error = None if cell["low"] is None else [[cell["mean"] - cell["low"]], [cell["high"] - cell["mean"]]]
            below = cell["gain"] < 0
            ax.barh(
                names.index(name), cell["gain"], 0.72, color="white" if below else "0.72", edgecolor="black",
                hatch="//////" if below else None, xerr=error, error_kw={"elinewidth": 0.7, "capsize": 1.5},
            )  # fmt: skip
        base = view.base(next(iter(group.values())))
        if base and base["low"] is not None:
            ax.axvspan(base["low"] - base["mean"], base["high"] - base["mean"], color="0.9", zorder=0, linewidth=0)
        ax.axvline(0, color="black", linewidth=0.6)
        ax.set_yticks(range(len(names)), labels)
        ax.set_ylim(-0.7, len(names) - 0.3)
        ax.tick_params(axis="y", length=0)
    figure.supxlabel(f"gain over {view.baseline} in target test {view.metric}", fontsize=8)
    settle(figure, rows, (0.03 + 0.11 * most_lines(labels)) * len(names))
