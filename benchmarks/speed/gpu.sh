#!/usr/bin/env bash
# What only a GPU can tell, within a given time: the speed cases beside PyTorch (eager, compiled, bfloat16), seeds from
# 1 to 64, then as many cells of TLLib's digits at the full budget as fit. What a killed part has finished stays.
#
#     benchmarks/speed/gpu.sh [FOLDER [SECONDS]]     SHORT=1: a minute or two, to see on a CPU that it works
#
# PYTHON is an interpreter that has tlx, JAX for the device and, to compare, PyTorch.
set -uo pipefail
cd "$(dirname "$0")/../.."
out=${1:-runs/gpu}
end=$((SECONDS + ${2:-450}))
python=${PYTHON:-python}
mkdir -p "$out"

part() { # NAME SECONDS COMMAND...: for so long at most, and no longer than what is left
    local name=$1 limit=$2 left=$((end - SECONDS))
    shift 2
    [ "$left" -gt 10 ] || { echo "$name: no time left"; return; }
    echo "== $name"
    timeout --signal=INT --kill-after=20 $((limit < left ? limit : left)) "$@" 2>&1 | tee "$out/$name.txt"
}

run="$python benchmarks/speed/run.py"
if [ -n "${SHORT:-}" ]; then
    part eager 90 $run --json "$out/eager.json" --case dann --repeats 1 --seeds 1,2
    part digits 60 tlx bench quick --strategies source_only --tasks "mnist5k->optdigits" --seeds 1 --out "$out/digits"
    exit
fi
part eager 120 $run --json "$out/eager.json" --repeats 5 --seeds 1,2,4,8,16,32,64
part compiled 90 $run --json "$out/compiled.json" --repeats 5 --seeds none --compiled
part bfloat16 90 $run --json "$out/bfloat16.json" --repeats 5 --seeds 1,8,64 --dtype bfloat16
part digits 450 tlx reproduce tllib-digits --budget full --tasks "mnist->usps,usps->mnist" --out "$out/tllib-digits"
