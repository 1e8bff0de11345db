"""How a third party runs a strategy: a file as a plugin, datasets in memory, and `tlx.Lab`."""

import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tlx

NETS = Path(__file__).with_name("nets.py")


class Digits(NamedTuple):
    """Real digits, 8x8: x uint8 [1797, 8, 8] in shuffled order, y [1797]."""

    x: np.ndarray
    y: np.ndarray

    def part(self, number: int, parts: int, classes: int = 10) -> "Digits":
        """Every `parts`-th digit of the first classes, beginning with the digit of this number."""
        x, y = self.x[number::parts], self.y[number::parts]
        return Digits(x[y < classes], y[y < classes])

    def dim(self, light: float, noise: float = 0.0) -> "Digits":
        """Darker digits, on a background of noise."""
        grain = np.random.default_rng(0).uniform(0, noise, self.x.shape)
        return self._replace(x=np.clip(self.x * light + grain, 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def digits() -> Digits:
    """The digits of UCI's optdigits that scikit-learn carries."""
    from sklearn.datasets import load_digits

    images, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return Digits((images * 15.9).astype(np.uint8).reshape(-1, 8, 8)[order], np.asarray(y)[order])


def pytest_collection_modifyitems(items: list[pytest.Item]):
    """Whole runs are slow."""
    for item in items:
        if "attempt" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def attempt(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Runs a strategy of the test's own file: `attempt("a->b", "osbp", a, b, backbone="dense")` gives its result."""
    monkeypatch.setenv("TLX_PLUGINS", "datasets")  # for the default protocol; all else is in the two files

    @functools.cache  # a lab loads its files anew, and programs of another class of strategy are other programs
    def lab(*datasets: tlx.Dataset) -> tlx.Lab:
        return tlx.Lab(plugins=[NETS, request.path], datasets=datasets, progress=False)

    def call(task: str, strategy: str, *datasets: tlx.Dataset, recipe: str = "short", **options: Any) -> Any:
        return lab(*datasets).run(task, strategy, recipe=recipe, **options)

    return call


@pytest.fixture
def run(attempt):
    """The same, of a run that is to finish."""

    def call(*args: Any, **options: Any) -> Any:
        result = attempt(*args, **options)
        assert result.finished, result.traceback
        return result

    return call
