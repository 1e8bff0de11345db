"""How a figure for a paper looks. Only `tlx.report.figure` imports this, when one is drawn: matplotlib is an extra."""

import io
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure

WIDTHS = {"single": 3.25, "double": 6.75}  # inches: a column of a two-column page, and both
METADATA = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}  # the same input gives the same bytes
STYLE: dict[str, Any] = {
    # both come with matplotlib; the first is like Times, the second has the signs that it has not
    "font.family": ["STIXGeneral", "DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "hatch.linewidth": 0.6,
    "patch.linewidth": 0.6,
    "text.parse_math": False,  # "$" in a name is a dollar
    "pdf.fonttype": 42,  # TrueType, embedded: publishers refuse type 3
    "ps.fonttype": 42,
    "svg.fonttype": "none",  # text, to be searched and edited
    "svg.hashsalt": "tlx",
    "savefig.dpi": 300,
}


def styled() -> AbstractContextManager[None]:
    """Within it matplotlib draws in this style, whatever the user's own is."""
    return style.context(["default", STYLE])


class Paper(Figure):
    """A matplotlib figure that is saved in the style that it was drawn in, without dates."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """As matplotlib's."""
        ending = Path(fname).suffix[1:] if isinstance(fname, str | Path) else ""
        kind = options.setdefault("format", ending or "png")
        if kind in METADATA:
            options["metadata"] = METADATA[kind] | options.get("metadata", {})
        with styled():
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=150)
        return buffer.getvalue()
