"""The committed table of label-shift corrections is that of its cells; draws and corrections are as the authors'."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

cells, published, trials = (
    importlib.import_module(f"tlx_literature.label_shift.{name}") for name in ("cells", "published", "trials")
)

RESULTS = Path(__file__).parents[2] / "benchmarks/results"


def test_the_page_is_that_of_the_cells_and_these_of_the_trials():
    found = json.loads((RESULTS / "label-shift-mnist/cells.json").read_text())
    assert cells.markdown(found["cells"]) in (RESULTS / "label-shift-mnist.md").read_text()
    place = "dirichlet 1.0 4000"
    ours = {name: published.median_interval(np.array(v)) for name, v in found["trials"][place].items()}
    assert cells.cells_of({place: ours}, published.published()) == [c for c in found["cells"] if c["shift"] == place]
    improvements = [cell for cell in cells.table(found) if cell["method"] != "uncorrected"]
    assert len(improvements) == 144 and sum(cell["outcome"] == "reproduced" for cell in improvements) >= 120
    assert {cell["outcome"] for cell in cells.table(None)} == {"not run"}


def test_a_trial_has_the_shares_that_were_drawn():
    y = np.random.default_rng(0).integers(0, 10, 1000)
    tweaked = trials.draw("tweakone", 0.9, 500, y, 800, seed=3)
    assert len(set(tweaked.held)) == 500 and len(tweaked.test) == 500
    assert (y[tweaked.test] == 3).mean() == pytest.approx(0.9, abs=0.02)
    shares = np.random.RandomState(3)
    shares.choice(np.arange(800), size=500, replace=False)
    expected = shares.dirichlet([1.0] * 10)
    found = np.bincount(y[trials.draw("dirichlet", 1.0, 500, y, 800, seed=3).test], minlength=10) / 500
    np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.slow
def test_every_correction_helps_a_calibrated_classifier():
    random = np.random.default_rng(0)
    means = random.normal(size=(10, 6)) * 1.2

    def rows(shares, count):
        y = random.choice(10, count, p=shares)
        x = means[y] + random.normal(size=(count, 6))
        return np.float32(-((x[:, None] - means) ** 2).sum(2) / 2), y.astype(np.int32)

    found = trials.improvements(*rows(np.full(10, 0.1), 3000), *rows(np.r_[0.82, np.full(9, 0.02)], 3000))
    assert len(found) == 9 and min(float(value) for name, value in found.items() if name != "uncorrected") > 3
