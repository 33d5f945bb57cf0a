#!/bin/sh
# fuzz.sh - lets each fuzz target look for faults for some seconds.
# usage: fuzz.sh SECONDS NAME...
#
# Run by `make fuzz` in the build folder.  What libFuzzer learned stays in fuzz-corpus/NAME; an input that
# fails lies there as crash-*, leak-* or timeout-*, and is run again with tests/fuzz/fuzz-NAME FILE.
set -u

seconds=$1
shift
names=$*
failed=
for name in $names; do
    seeds=$HF_SRCDIR/tests/fuzz/seeds/$name
    mkdir -p "fuzz-corpus/$name"
    if "tests/fuzz/fuzz-$name" -help=1 2>&1 | grep -q libFuzzer; then
        set -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
            -print_final_stats=1 -artifact_prefix="crash-fuzz-$name-" "fuzz-corpus/$name" "$seeds"
    else
        set -- -seconds="$seconds" -seed="$(date +%s)" "$seeds"
    fi
    if "tests/fuzz/fuzz-$name" "$@" >"fuzz-corpus/$name.log" 2>&1; then
        grep -E 'inputs, |number_of_executed|average_exec|new_units' "fuzz-corpus/$name.log" |
            sed "s/^/$name: /"
    else
        tail -n 40 "fuzz-corpus/$name.log"
        failed="$failed $name"
    fi
done
[ -z "$failed" ] || {
    echo "failed:$failed"
    exit 1
}
