#!/bin/sh
# fuzz.sh - lets each fuzz target look for faults for some seconds, as many at once as there are processors.
# usage: fuzz.sh SECONDS NAME...
#
# Run by `make fuzz` in the build folder.  What libFuzzer learned stays in fuzz-corpus/NAME; an input that
# fails lies there as crash-*, leak-* or timeout-*, and is run again with tests/fuzz/fuzz-NAME FILE.
set -u

if [ "$1" = --one ]; then # SECONDS NAME
    name=$3
    seeds=$HF_SRCDIR/tests/fuzz/seeds/$name
    log=fuzz-corpus/$name.log
    mkdir -p "fuzz-corpus/$name"
    if "tests/fuzz/fuzz-$name" -help=1 2>&1 | grep -q libFuzzer; then
        set -- -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
            -print_final_stats=1 -artifact_prefix="crash-fuzz-$name-" "fuzz-corpus/$name" "$seeds"
    else
        set -- -seconds="$2" -seed="$(date +%s)" "$seeds"
    fi
    if "tests/fuzz/fuzz-$name" "$@" >"$log" 2>&1; then
        grep -E 'inputs, |number_of_executed|average_exec|new_units' "$log" | sed "s/^/$name: /"
        exit 0
    fi
    tail -n 40 "$log"
    echo "$name: failed"
    exit 1
fi

seconds=$1
shift
printf '%s\n' "$@" | xargs -P "$(nproc)" -I NAME "$0" --one "$seconds" NAME
