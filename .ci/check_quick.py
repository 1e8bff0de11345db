"""Whether the main job did its work: reads the cells of `tlx report --format json` of the suite `quick`."""

import json
import sys

cells = {(cell["task"], cell["strategy"]): cell for cell in json.load(sys.stdin) if cell["selection"] == "last"}
assert len(cells) == 14, sorted(cells)
assert all(cell["n"] == 3 for cell in cells.values())
for strategy in ("mmd", "dann"):
    gain = cells["mnist5k->optdigits", strategy]["gain"]
    # Measured over 3 seeds: mmd 0.43 to 0.45, dann 0.31 to 0.36. The aim is 0.30; a processor with other rounding moves
    # a three-seed mean by a few hundredths.
    assert gain >= 0.25, f"{strategy} gains {gain:.3f} over source_only on mnist5k->optdigits"
    print(f"{strategy}: {gain:+.3f} over source_only on mnist5k->optdigits")
