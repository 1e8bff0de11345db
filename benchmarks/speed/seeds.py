"""What a seed costs when several train in one program: milliseconds per seed and step, beside PyTorch's one seed.

    python benchmarks/speed/seeds.py [--json FILE] [--case NAME]... [--seeds 1,2,4,8,16,32,64] [--repeats N]
        [--dtypes float32,bfloat16] [--peers eager,compiled]

Meant for a GPU, where seeds run under `vmap`; it runs on any device. All sides are measured in turn in one run. PyTorch
trains one seed at a time, in float32 or under autocast; without it the tlx side runs alone.
"""

import argparse
import importlib.util
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import tlx_side  # noqa: E402
from cases import CASES, Case  # noqa: E402

from tlx.engine.devices import describe, use_compilation_cache  # noqa: E402
from tlx.engine.recipe import DTYPES  # noqa: E402


def seconds(call) -> float:
    """The wall time of one call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def by_seeds(case: Case, counts: list[int], repeats: int, dtype: str, peers: list[str]) -> list[dict[str, Any]]:
    """Per number of seeds: ms per seed and step, relative to the first number, and each peer's time over ours."""
    typed = case._replace(recipe=case.recipe.replace(dtype=dtype))
    calls = {f"{count}": tlx_side.prepare(typed, count).call for count in counts}
    if peers:
        import torch_side

        calls |= {peer: torch_side.prepare(case, peer == "compiled", dtype) for peer in peers}
    times = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            trained = 1 if name in peers else int(name)
            times[name].append(seconds(call) / case.steps / trained * 1e3)

    def paired(a: str, b: str) -> float:
        return statistics.median(x / y for x, y in zip(times[a], times[b], strict=True))

    return [
        {
            "case": case.name,
            "dtype": dtype,
            "seeds": count,
            "ms_per_seed_step": statistics.median(times[f"{count}"]),
            "relative": paired(f"{count}", f"{counts[0]}"),
            **{f"torch_{peer}_ms": statistics.median(times[peer]) for peer in peers},
            **{f"ratio_{peer}": paired(peer, f"{count}") for peer in peers},
        }
        for count in counts
    ]


def main() -> None:
    """Prints the table and writes it with the device's name."""
    trained = [case for case in CASES if case.steps]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, help="write the rows and the device to this file")
    parser.add_argument("--case", action="append", choices=[case.name for case in trained], help="only this one")
    parser.add_argument("--seeds", default="1,2,4,8,16,32,64")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dtypes", default="float32,bfloat16", help=f"of {', '.join(DTYPES)}")
    parser.add_argument("--peers", default="eager,compiled", help="PyTorch's modes, or none")
    options = parser.parse_args()
    use_compilation_cache()
    peers = [] if options.peers == "none" or importlib.util.find_spec("torch") is None else options.peers.split(",")
    counts, rows = [int(count) for count in options.seeds.split(",")], []
    print(f"{describe()}; PyTorch {', '.join(peers) or 'absent'}")
    for case in trained:
        if options.case and case.name not in options.case:
            continue
        for dtype in options.dtypes.split(","):
            for row in by_seeds(case, counts, options.repeats, dtype, peers):
                rows.append(row)
                others = "".join(
                    f"  {peer} {row[f'torch_{peer}_ms']:.2f} ms, {row[f'ratio_{peer}']:.2f}x" for peer in peers
                )
                print(
                    f"{case.name:16} {dtype:9} {row['seeds']:3} seeds  {row['ms_per_seed_step']:9.3f} ms "
                    f"{row['relative']:6.2f} of {counts[0]}{others}",
                    flush=True,
                )
    if options.json:
        options.json.write_text(json.dumps({"device": describe(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
