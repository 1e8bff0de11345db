#!/usr/bin/env bash
# The kernels under the sanitizers of addresses and undefined behaviour, then of threads: sanitize.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
common=(-std=c++17 -g -O1 -ffp-contract=fast -pthread -Wno-psabi driver.cc)
run() {
    echo "$1"
    shift
    "${CXX:-c++}" "${common[@]}" "${@:2}" -o "$folder/driver"
    "$folder/driver" "$1"
}
rounds=${1:-60}
run "plain" "$rounds" -O2
run "address and undefined" "$rounds" -fsanitize=address,undefined -fno-sanitize-recover=all
run "thread" "$rounds" -fsanitize=thread
