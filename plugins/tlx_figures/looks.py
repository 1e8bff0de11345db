"""What the figures share: lines that are told apart without colour, panels, a legend, and names that fit."""

import textwrap
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tlx import SettingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which the colour-blind tell apart; each with a dash and a marker of its own
LINES: list[dict[str, Any]] = [
    {"color": color, "linestyle": dash, "marker": marker}
    for color, dash, marker in (
        ("#000000", "-", "o"),
        ("#0072B2", "--", "s"),
        ("#D55E00", "-.", "^"),
        ("#009E73", ":", "D"),
        ("#CC79A7", (0, (5, 1)), "v"),
        ("#56B4E9", (0, (3, 1, 1, 1)), "P"),
        ("#E69F00", (0, (1, 1)), "X"),
        ("#666666", (0, (6, 2, 1, 2, 1, 2)), "*"),
    )
]


def few(names: Collection[str], most: int, what: str, by: str) -> None:
    """Raises SettingError where a figure would show more than can be told apart."""
    if len(names) > most:
        raise SettingError(
            f"This figure shows at most {most} {what}, and here are {len(names)}; expected a choice of them: "
            f"--{by} A,B, in Python {by}=[...]."
        )


class Panels(NamedTuple):
    """Axes, and how many are side by side and above each other."""

    axes: "list[Axes]"
    columns: int
    rows: int


def panels(figure: "Figure", count: int, least: float, **options: Any) -> Panels:
    """So many axes, as many side by side as have `least` inches each."""
    columns = max(1, min(count, int(figure.get_figwidth() / least)))
    rows = -(-count // columns)
    axes = list(figure.subplots(rows, columns, squeeze=False, **options).flat)
    for empty in axes[count:]:
        empty.remove()
    return Panels(axes[:count], columns, rows)


def settle(figure: "Figure", rows: int, height: float | None = None) -> None:
    """Makes the figure so high that its panels are `height` inches, whatever titles, ticks and legend take beside.

    Without a `height` they are as high as they are wide. Titles are broken into lines of the width of their panels.
    """
    titles = [ax.get_title() for ax in figure.axes]
    figure.set_figheight(rows * ((height or figure.get_figwidth()) + 2) + 3)  # with too little room there is no layout
    for _ in range(3):  # what is beside may depend on the height
        figure.draw_without_rendering()
        box = figure.axes[0].get_position(original=True)
        for ax, title in zip(figure.axes, titles, strict=True):
            ax.set_title(wrapped(title, box.width * figure.get_figwidth()))
        wanted = height or box.width * figure.get_figwidth()
        figure.set_figheight(figure.get_figheight() + rows * (wanted - box.height * figure.get_figheight()))


def legend(figure: "Figure", handles: Sequence[Any], labels: Sequence[str]) -> None:
    """A legend above all panels, in as many columns as fit."""
    labels = [textwrap.fill(label, 36) for label in labels]
    longest = max(len(line) for label in labels for line in label.split("\n"))
    columns = max(1, int(figure.get_figwidth() / (0.55 + 0.055 * longest)))
    figure.legend(handles, labels, loc="outside upper center", ncols=min(columns, len(labels)))


def most_lines(labels: Sequence[str]) -> int:
    """The lines of the label that has most."""
    return max(label.count("\n") + 1 for label in labels)


def fit(text: str, most: int) -> str:
    """A text of at most so many characters; of a longer one the middle is left out."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[len(text) - half :]}"


def wrapped(text: str, inches: float) -> str:
    """A title in lines that so many inches hold; of a word that is longer the middle is left out."""
    most = max(8, int(inches / 0.06))
    return textwrap.fill(" ".join(fit(word, most) for word in text.split(" ")), most)
