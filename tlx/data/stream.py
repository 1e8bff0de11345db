"""The order of a correlated stream: classes come in runs, as of a camera that moves on.

Shape vocabulary: rows N, slots S = classes.
"""

import numpy as np
from jaxtyping import Int32, Int64

from tlx.data.choose import keys
from tlx.data.prior import Dirichlet


def correlated_order(y: Int32[np.ndarray, "rows"], concentration: float, salt: str) -> Int64[np.ndarray, "rows"]:
    """An order of N rows: class c has the share p_cs of its rows in slot s, p_c ~ Dirichlet(concentration, ...).

    Slots follow each other, as many as classes in y. Within a slot a class comes after the other, in an order by hash;
    rows of a class keep the order that they have. The smaller the concentration, the longer the runs: towards 0 each
    class is in one slot; a large one mixes the classes no further than slots of one run a class.

    The authors' code draws a class's shares anew where a slot is full; here a slot may have any number of rows.

    Gong et al. 2022, "NOTE: Robust Continual Test-time Adaptation Against Temporal Correlation"; Yuan et al. 2023.
    """
    classes = np.unique(y)
    slots = [str(slot) for slot in range(len(classes))]
    slot, turn = np.zeros(len(y), np.int64), np.zeros(len(y), np.uint64)
    for label in classes.tolist():
        rows = np.flatnonzero(y == label)
        shares = Dirichlet(concentration).shares(slots, f"{salt} {label}")
        bounds = np.round(np.cumsum(shares)[:-1] * len(rows)).astype(np.int64)
        slot[rows] = np.searchsorted(bounds, np.arange(len(rows)), side="right")
        turn[rows] = keys(np.array(slots), f"{salt} {label} turn")[slot[rows]]
    return np.lexsort((turn, slot))
