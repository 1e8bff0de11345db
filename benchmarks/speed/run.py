"""How fast tlx trains, beside an equal plain PyTorch loop, measured in turn in one run.

    python benchmarks/speed/run.py [--json FILE] [--case NAME]... [--repeats N] [--seeds 1,2,4,8,16] [--compiled]
        [--dtype bfloat16]

Without PyTorch the tlx side runs alone. `ratio` is PyTorch's time over ours, the median over pairs; `gflops` counts
matrix products and convolutions; `limit_gflops` is a matrix product measured in the same run. Compile time is
reported apart.
"""

import argparse
import importlib.util
import json
import resource
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import tlx_side  # noqa: E402
from cases import CASES, ROWS, Case  # noqa: E402
from seeds import by_seeds, seconds  # noqa: E402

from tlx.engine.devices import describe, use_compilation_cache  # noqa: E402
from tlx.engine.recipe import DTYPES  # noqa: E402


def measure(case: Case, repeats: int, peer: bool, compiled: bool, dtype: str) -> dict[str, Any]:
    """One case: both sides in turn, `repeats` times."""
    ours = tlx_side.prepare(case._replace(recipe=case.recipe.replace(dtype=dtype)))
    theirs = None
    if peer:
        import torch_side

        theirs = torch_side.prepare(case, compiled, dtype)
    pairs = [(seconds(ours.call), seconds(theirs) if theirs else None) for _ in range(repeats)]
    per = case.steps or 1
    mine = [pair[0] / per * 1e3 for pair in pairs]
    other = [pair[1] / per * 1e3 for pair in pairs if pair[1] is not None]
    return {
        "case": case.name,
        "tlx_ms": statistics.median(mine),
        "tlx_min_ms": min(mine),
        "torch_ms": statistics.median(other) if other else None,
        "torch_min_ms": min(other) if other else None,
        "ratio": statistics.median(b / a for a, b in zip(mine, other, strict=True)) if other else None,
        "gflops": ours.flops / statistics.median(mine) / 1e6,
        "compile_s": ours.compile,
        "images_per_s": (ROWS if case.steps == 0 else case.recipe.batch) / statistics.median(mine) * 1e3,
    }


def main() -> None:
    """Prints the table and writes the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, help="write the cases to this file")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES], help="only this one")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--seeds", default="1,2,4,8,16", help="numbers of seeds to time, or none")
    parser.add_argument("--compiled", action="store_true", help="PyTorch's side through torch.compile")
    parser.add_argument("--dtype", default="float32", choices=DTYPES, help="of the layers, PyTorch's under autocast")
    options = parser.parse_args()
    use_compilation_cache()
    peer = importlib.util.find_spec("torch") is not None
    limit = tlx_side.gemm_limit()
    rows = []
    print(f"{describe()}; matrix product {limit:.0f} GFLOP/s; PyTorch {'beside' if peer else 'absent'}")
    print(
        f"{'case':18} {'tlx ms':>9} {'min':>8} {'torch ms':>9} {'min':>8} {'ratio':>6} "
        f"{'GFLOP/s':>8} {'limit':>6} compile s"
    )
    for case in CASES:
        if options.case and case.name not in options.case:
            continue
        row = measure(case, options.repeats, peer, options.compiled, options.dtype) | {"limit_gflops": limit}
        rows.append(row)
        peer_cells = [
            f"{row[key]:.2f}" if row[key] is not None else "-" for key in ("torch_ms", "torch_min_ms", "ratio")
        ]
        print(
            f"{row['case']:18} {row['tlx_ms']:9.2f} {row['tlx_min_ms']:8.2f} {peer_cells[0]:>9} {peer_cells[1]:>8} "
            f"{peer_cells[2]:>6} {row['gflops']:8.1f} {row['gflops'] / limit:6.0%} {row['compile_s']:9.1f}",
            flush=True,
        )
    if options.seeds != "none":
        counts, repeats = [int(count) for count in options.seeds.split(",")], max(3, options.repeats // 3)
        source_only = next(case for case in CASES if case.name == "source_only")
        for row in by_seeds(source_only, counts, repeats, options.dtype, []):
            print(
                f"{row['seeds']:3} seeds: {row['ms_per_seed_step']:.2f} ms per seed and step, "
                f"{row['relative']:.2f} of one"
            )
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
