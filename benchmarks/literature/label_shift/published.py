"""The published improvements by label-shift correction on MNIST, and how sure their medians are.

    python benchmarks/literature/label_shift/published.py mnist_label_shift_adaptation_results.json.gz

reads the raw values of Alexandari, Kundaje, Shrikumar (ICML 2020; github.com/kundajelab/labelshiftexperiments, folder
notebooks, revision 5524cb4) and writes `published.json`: of each cell the median over 100 trials in points, with the
95% interval of a bootstrap over the 10 networks (10 trials each), and the median accuracy without a correction.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("published.json")
METHODS = {
    "bbse-hard": "bbse-hard:None", "bbse-soft": "bbse-soft:None", "rlls-hard": "rlls-hard:None",
    "rlls-soft": "rlls-soft:None", "em": "em:None", "em+temperature": "em:TS", "em+bcts": "em:BCTS",
    "em+vector": "em:VS",
}  # fmt: skip
SHIFTS = tuple(("dirichlet", alpha) for alpha in ("0.1", "1.0", "5", "10")) + (
    ("tweakone", "0.01"),
    ("tweakone", "0.9"),
)
SIZES = (2000, 4000, 8000)
NETWORKS = TRIALS = 10


def published() -> dict[str, dict[str, list[float]]]:
    """By shift and method the published median and the ends of its interval; last the uncorrected accuracy."""
    return json.loads(FILE.read_text())


def median_interval(values: np.ndarray, draws: int = 10_000) -> list[float]:
    """The median of values [networks, trials] and the ends of its 95% interval, by a bootstrap over the networks."""
    chosen = np.random.default_rng(0).integers(0, len(values), (draws, len(values)))
    medians = np.median(values[chosen].reshape(draws, -1), axis=1)
    return [round(float(end), 3) for end in (np.median(values), *np.quantile(medians, (0.025, 0.975)))]


def main(raw: str) -> None:
    """Writes `published.json`."""
    every = json.loads(gzip.open(raw).read())
    cells = {}
    for kind, alpha in SHIFTS:
        for size in SIZES:
            scores = every[f"{kind}_alpha_to_samplesize_to_adaptername_to_metric_to_vals"][alpha][str(size)]
            cell = {ours: scores[theirs]["delta_acc"] for ours, theirs in METHODS.items()}
            cell["uncorrected"] = every[f"{kind}_alpha_to_samplesize_to_baselineacc"][alpha][str(size)]
            points = {name: 100 * np.reshape(values, (NETWORKS, TRIALS)) for name, values in cell.items()}
            cells[f"{kind} {alpha} {size}"] = {name: median_interval(values) for name, values in points.items()}
    FILE.write_text(json.dumps(cells, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
