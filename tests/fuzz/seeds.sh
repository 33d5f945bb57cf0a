#!/bin/sh
# seeds.sh - runs each fuzz target over its seeds; without libFuzzer also over inputs made of them.
set -eu

cd "$HF_BUILDDIR"
for program in tests/fuzz/fuzz-*[!.]; do
    case $program in
    *.o | *.log | *.trs) continue ;;
    esac
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then
        continue
    fi
    name=${program##*/fuzz-}
    "$program" -runs=3000 "$HF_SRCDIR/tests/fuzz/seeds/$name" || {
        echo "fuzz-$name failed; the input is in $PWD/crash-fuzz-$name"
        exit 1
    }
done
