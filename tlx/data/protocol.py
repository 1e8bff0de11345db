"""What a protocol is: all that must be equal before two scores may be compared, as data with a name."""

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlx.data.label_space import LabelSpace
from tlx.data.prior import Prior, check_prior
from tlx.data.task_names import WORD
from tlx.errors import DataError, nearest

if TYPE_CHECKING:
    from tlx.data.shares import Shares

ID = re.compile(rf"{WORD}(/[1-9][0-9]*)?")  # with its shots, if any
HOW = ("random", "first", "balanced", "prior")
SPLITS = ("train", "test")
SCORED = ("test", "train")
STREAMS = ("shuffled", "stored", "class", "dirichlet")
Scale = float | tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Draw:
    """Which rows of a dataset take part: its first `rows`, `rows` at random, `rows` of each class, or by a prior.

    `dataset` is its name, or a pattern of names ("rotated_mnist:*"), of a source or a target. "random" takes the rows
    with the smallest hash of their origin, so a draw is the same on every machine. "balanced" does so class by class;
    with `rows` None it takes as many of each class as the rarest has. "prior" draws the classes with the shares of
    `prior`: a list of them, `Dirichlet`, `LongTail`, `Pareto` or `Tweaked`; `rows` in all, or with None as many as
    there are.

    The train rows are drawn, and with `splits` ("train", "test") the test rows alike, so many of each split. A dataset
    without a draw takes part whole.

    Raises:
        DataError: an unknown `how` or split, a number of rows that it cannot have, or a prior that is none.
    """

    dataset: str
    how: str
    rows: int | None = None
    prior: Prior | None = None
    splits: tuple[str, ...] = ("train",)

    def __post_init__(self):
        for key in ("prior", "splits"):
            if isinstance(value := getattr(self, key), list):
                object.__setattr__(self, key, tuple(value))
        if self.how not in HOW:
            guess = " or ".join(nearest(self.how, HOW)) or ", ".join(HOW)
            raise DataError(f"Draw of '{self.dataset}': how is {self.how!r}; nearest: {guess}.")
        if (self.rows is None and self.how in ("random", "first")) or (self.rows is not None and self.rows < 1):
            raise DataError(f"Draw of '{self.dataset}': {self.rows} rows ({self.how}); expected 1 or more.")
        if self.how == "prior" and (wrong := check_prior(self.prior)):
            raise DataError(f"Draw of '{self.dataset}': {wrong}.")
        if self.how != "prior" and self.prior is not None:
            raise DataError(f"Draw of '{self.dataset}': a prior with how {self.how!r}; expected how 'prior'.")
        if not self.splits or set(self.splits) - set(SPLITS):
            raise DataError(f"Draw of '{self.dataset}': splits {self.splits}; expected of 'train' and 'test'.")

    def shares(self, dataset: str, classes: Sequence[str], seed: int) -> "Shares":
        """The share of each class of a dataset that a prior draws, [C]; `seed` is the protocol's.

        Raises:
            DataError: the prior does not fit the classes.
        """
        from tlx.data.shares import class_shares  # NumPy is behind it

        assert self.prior is not None
        return class_shares(self.prior, classes, f"{dataset} prior {seed}")


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What makes two scores comparable: which images, how they are shown, and which ones are scored.

    Applied to each dataset of a task in this order:

    - `editions` pairs a dataset with the one that takes its place: other files of the same name and other sizes.
    - `renames` pairs a class with its name here; `classes` are those that take part, None for all.
    - `pooled`: train and test are joined and split anew at random, this share to train; None keeps the split.
      The same original image falls on the same side in every dataset. 1 makes all rows train rows: then `scored` is
      "train" and `validation` holds rows out.
    - `labels`: the classes of the sources and those of the targets, where they differ (partial, open and universal
      tasks); with None they are the same, else the task is refused.
    - `draws`: which rows take part. `seed` numbers the draws, the pooled splits and the streams.
    - `scored`: the target rows that scores are over, its "test" split or (transductive papers) its "train" split.
    - `validation`: the share of each source's train split that is held out to select by; None: the sources' test
      splits.
    - `shots`: labelled train rows per class of each target, None for all; of real targets, rows of each target. With
      `first_shots` they are the first ones as the dataset has them, else those with the smallest hash of their origin.
    - `stream`: the order in which the scored rows of a target are met one after the other: "shuffled", by a hash of
      their origin; "stored", as the dataset has them; "class", class after class; or "dirichlet", correlated: as many
      slots as classes, each class spread over them by a draw of Dirichlet(`concentration`), and class after class
      within a slot, in an order by hash (NOTE, RoTTA: 0.1). Targets follow each other.
    - `shared_origins`: whether source rows may show the same originals as the target's, as in the published
      MNIST -> MNIST-M, where every target image is a source image over a photograph. Source train rows of the
      originals that are scored are left out all the same.

    Images are `size` pixels square with `channels` (1 or 3); None takes the largest of the task's domains. On the
    device x = (uint8 / 255 - mean) / std, with one number or one for each channel. With `resize`, the network scales
    its input to so many pixels square (bilinear), so that small images take no more memory; augmentation comes before.
    These five concern images alone: other inputs pass unchanged, and `Dataset.input` says how they are scaled.

    Raises:
        DataError: a value out of range.
    """

    id: str
    summary: str
    size: int | None
    channels: int | None
    mean: Scale = 0.5
    std: Scale = 0.5
    shots: int | None = None
    shared_origins: bool = False
    editions: tuple[tuple[str, str], ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    classes: tuple[str, ...] | None = None
    pooled: float | None = None
    draws: tuple[Draw, ...] = ()
    seed: int = 0
    scored: str = "test"
    validation: float | None = None
    resize: int | None = None
    labels: LabelSpace | None = None
    stream: str = "shuffled"
    concentration: float | None = None
    first_shots: bool = False

    def __post_init__(self):
        if not ID.fullmatch(self.id):
            raise self._error("an id", "letters, digits and _, with . or - inside, as tasks name it: a->b@ID")
        if self.size is not None and self.size < 1:
            raise self._error(f"size {self.size}", "1 or more pixels, or None")
        if self.resize is not None and self.resize < 1:
            raise self._error(f"resize {self.resize}", "1 or more pixels, or None")
        if self.channels not in (None, 1, 3):
            raise self._error(f"channels {self.channels}", "1, 3 or None")
        for key in ("mean", "std"):
            value = getattr(self, key)
            if isinstance(value, tuple) and len(value) != self.channels:
                raise self._error(f"{key} {value} with channels {self.channels}", "one number, or one for each channel")
        if min(self.std if isinstance(self.std, tuple) else (self.std,)) <= 0:
            raise self._error(f"std {self.std}", "more than 0")
        if self.shots is not None and self.shots < 1:
            raise self._error(f"shots {self.shots}", "1 or more, or None for all")
        if self.classes is not None and (len(self.classes) < 2 or len(set(self.classes)) < len(self.classes)):
            raise self._error(f"classes {self.classes}", "two or more different names, or None for all")
        for key in ("pooled", "validation"):
            share = getattr(self, key)
            whole = key == "pooled" and share == 1 and self.scored == "train" and self.validation is not None
            if share is not None and not 0 < share < 1 and not whole:
                also = ", 1 with scored 'train' and a validation share" if key == "pooled" else ""
                raise self._error(f"{key} {share}", f"a share between 0 and 1{also}, or None")
        if self.scored not in SCORED:
            raise self._error(f"scored {self.scored!r}", " or ".join(map(repr, SCORED)))
        if self.stream not in STREAMS:
            raise self._error(f"stream {self.stream!r}", " or ".join(map(repr, STREAMS)))
        if (self.stream == "dirichlet") != (self.concentration is not None):
            got = f"concentration {self.concentration} with stream {self.stream!r}"
            raise self._error(got, "a number above 0 with stream 'dirichlet', None with any other")
        if self.concentration is not None and not 0 < self.concentration < math.inf:
            raise self._error(f"concentration {self.concentration}", "a number above 0")
        if self.labels is not None and not isinstance(self.labels, LabelSpace):
            raise self._error(f"labels {self.labels!r}", "a tlx.data.LabelSpace, or None for equal classes")

    def _error(self, got: str, expected: str) -> DataError:
        return DataError(f"Protocol '{self.id}': {got}; expected {expected}.")

    def edition(self, dataset: str) -> str:
        """The dataset that stands for `dataset` under this protocol."""
        return dict(self.editions).get(dataset, dataset)

    def with_shots(self, shots: int) -> "Protocol":
        """The same with `shots` labelled target rows per class; its id and summary say so."""
        told = f"{self.summary}; {shots} labelled target rows per class"
        return dataclasses.replace(self, id=f"{self.id}/{shots}", summary=told, shots=shots)
