"""Selectors compared."""

from statistics import fmean
from typing import TYPE_CHECKING

from tlx import ResultError
from tlx.report import comparisons
from tlx_figures.looks import panels, settle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tlx.report import View

PARTS = (("regret", "accuracy below best"), ("kendall", "weighted Kendall's τ"))


def draw(figure: "Figure", view: "View") -> None:
    """What each selector loses against the best evaluation, and how its scores rank them: ● mean, ○ each task."""
    facts: dict[str, list[dict]] = {}
    for item in comparisons(view.results):
        for fact in item["selectors"]:
            facts.setdefault(fact["selector"], []).append(fact)
    means = {name: fmean(found) for name, own in facts.items() if (found := _known(own, "regret"))}
    if not means:
        raise ResultError("There is no selector to draw: no run, bounds aside, has curves of a target with labels.")
    names = sorted(means, key=lambda name: -means[name])
    axes = panels(figure, 2, figure.get_figwidth() / 2, sharey=True).axes
    for ax, (key, label) in zip(axes, PARTS, strict=True):
        for at, name in enumerate(names):
            values = _known(facts[name], key)
            ax.axhline(at, color="0.88", linewidth=0.5, zorder=0)
            if len(values) > 1:
                ax.plot(values, [at] * len(values), "o", markerfacecolor="none", color="0.55", markeredgewidth=0.5)
            if values:
                ax.plot(fmean(values), at, "o", color="black", markersize=4)
        ax.set_xlabel(label.replace("accuracy", view.metric))
        ax.tick_params(axis="y", length=0)
    axes[1].axvline(0, color="black", linewidth=0.6, linestyle=":")
    signs = [" ‡" if any(fact["uses_target_labels"] for fact in facts[name]) else "" for name in names]
    axes[0].set_yticks(range(len(names)), [f"{name}{sign}" for name, sign in zip(names, signs, strict=True)])
    settle(figure, 1, 0.15 * len(names))


def _known(facts: list[dict], key: str) -> list[float]:
    return [fact[key] for fact in facts if fact[key] is not None]
