"""The tasks between the digit datasets, and the protocol that they share."""

from dataclasses import replace

from tlx.data import Protocol, Task

P_5K = Protocol(
    id="P-5k",
    summary="28x28, scaled to -1..1; fixed splits; source validation on source test; scored on target test",
    size=28,
    channels=None,
)
"""The protocol of all tasks here.

Images are 28x28, grey unless a domain of the task is RGB, and x = (uint8 / 255 - 0.5) / 0.5. The splits are the
datasets' own and fixed. Adaptation sees the sources' train rows with labels and the target's train rows without; source
validation is the sources' test rows; the score is over the target's test rows. No digit is in source and target.
"""

P_5K_10 = replace(P_5K, id="P-5k/10", summary=f"{P_5K.summary}; 10 labelled target rows per class", shots=10)

TASKS = (
    Task(("mnist5k",), "optdigits", P_5K, "from MNIST to fewer and coarser digits"),
    Task(("optdigits",), "mnist5k", P_5K, "from few and coarse digits to MNIST"),
    Task(("mnist5k",), "mnist5k_m", P_5K, "grey digits to digits blended with photographs"),
    Task(("mnist5k", "mnist5k_m"), "optdigits", P_5K, "two sources, grey and in colour"),
    Task(("mnist5k",), "optdigits", P_5K_10, "semi-supervised: with 10 labelled target rows per class"),
)
