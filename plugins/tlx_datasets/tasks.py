"""The tasks that come with tlx, each under the protocol of the numbers that it is compared with."""

from tlx import Protocol
from tlx.data import Task
from tlx_datasets.names import AGREEMENTS, ANGLES, MADE, OFFICE_DOMAINS, PUBLISHED
from tlx_datasets.protocols import (
    P_5K,
    P_C10_C,
    P_CS,
    P_D5,
    P_DG,
    P_FULL_OFF,
    P_KL,
    P_LONG_TAIL,
    P_OC10,
    P_SV_BAL,
    P_TWEAKED,
)


def _leave_one_out(names: tuple[str, ...], protocol: Protocol, summary: str) -> tuple[Task, ...]:
    """Each domain once as the target of all others."""
    return tuple(
        Task(tuple(other for other in names if other != name), (name,), protocol, f"{summary} {name}") for name in names
    )


SMALL = (
    Task(("mnist5k",), ("optdigits",), P_5K, "from MNIST to fewer and coarser digits"),
    Task(("optdigits",), ("mnist5k",), P_5K, "from few and coarse digits to MNIST"),
    Task(("mnist5k",), ("mnist5k_m",), P_5K, "grey digits to digits blended with photographs"),
    Task(("mnist5k", "mnist5k_m"), ("optdigits",), P_5K, "two sources, grey and in colour"),
    Task(("mnist5k", "mnist5k_m_few"), ("mnist5k_m",), P_5K, "a large source that is far, a small one that is near"),
    Task(("mnist5k_fifth",), ("mnist5k_rest",), P_TWEAKED, "equal shares to a target where 7 in 10 are threes"),
    Task(("mnist5k_rest",), ("mnist5k_fifth",), P_LONG_TAIL, "a long tail of classes to equal shares"),
    Task(("mnist5k",), ("optdigits",), P_5K.with_shots(10), "semi-supervised: with 10 labelled target rows per class"),
)
DIGITS = (
    Task(("mnist",), ("usps",), P_FULL_OFF, "handwritten digits to digits of envelopes"),
    Task(("usps",), ("mnist",), P_FULL_OFF, "few digits of envelopes to handwritten digits"),
    Task(("svhn_cropped",), ("mnist",), P_SV_BAL, "house numbers to handwritten digits"),
    Task(("mnist",), ("svhn_cropped",), P_FULL_OFF, "handwritten digits to house numbers, the hard way"),
    Task(("mnist",), ("mnist_m",), P_FULL_OFF, "grey digits to digits blended with photographs"),
    Task(("syn_digits",), ("svhn_cropped",), P_FULL_OFF, "rendered digits to house numbers"),
)
ROTATED = tuple(
    Task(("rotated_mnist:0",), (f"rotated_mnist:{angle}",), P_KL, f"upright digits to digits turned by {angle} degrees")
    for angle in ANGLES[1:]
)
SEVERAL = (
    *_leave_one_out(tuple(f"rotated_mnist:{angle}" for angle in ANGLES), P_DG, "digits of five angles to"),
    *_leave_one_out(tuple(f"colored_mnist:{name}" for name in AGREEMENTS), P_DG, "coloured digits of two domains to"),
    *_leave_one_out(("mnist", "mnist_m", "svhn_cropped", "syn_digits", "usps"), P_D5, "four digit sets to"),
)
OBJECTS = (
    Task(("cifar10",), ("stl10",), P_CS, "nine kinds of objects: from many small to few larger photographs"),
    Task(("stl10",), ("cifar10",), P_CS, "nine kinds of objects: from few larger to many small photographs"),
)
CORRUPTED = tuple(
    Task(
        ("cifar10",),
        (f"{family}:{name}/5",),
        P_C10_C,
        f"photographs to such under {name.replace('_', ' ')}, severity 5",
    )
    for family, names in (("cifar10_c", PUBLISHED[:15]), ("cifar10_corrupted", MADE))
    for name in names
)
OFFICE = tuple(
    Task(
        (f"office_caltech10:{source}",), (f"office_caltech10:{target}",), P_OC10, f"office things, {source} to {target}"
    )
    for source in OFFICE_DOMAINS
    for target in OFFICE_DOMAINS
    if source != target
)
TASKS = (*SMALL, *DIGITS, *ROTATED, *SEVERAL, *OBJECTS, *CORRUPTED, *OFFICE)
