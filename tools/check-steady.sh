#!/bin/sh
# check-steady.sh - runs all tests several times in a row; nothing is run again.
# usage: check-steady.sh RUNS LOAD
#
# With LOAD other than 0 every second run has all processors kept busy by something else.
# Called by `make check-steady` in the build folder.  The logs of what failed are kept there in
# steady/run-N/.  The exit status is 0 only if every run was clean.
set -u

runs=$1
load=$2
make=${MAKE:-make}
busy=

# Keeps every processor busy, at the priority of the tests.
start_load() {
    for _ in $(seq "$(nproc)"); do
        sh -c 'while :; do :; done' &
        busy="$busy $!"
    done
}

stop_load() {
    # Word splitting is wanted: one argument for each process.
    # shellcheck disable=SC2086
    [ -z "$busy" ] || kill $busy 2>/dev/null
    busy=
}

# keep N - copies the logs of the tests that failed.
keep() {
    mkdir -p "steady/run-$1"
    find tests tools -name '*.trs' -exec grep -l '^:test-result: \(FAIL\|ERROR\|XPASS\)' {} + |
        while read -r trs; do
            cp "${trs%.trs}.log" "steady/run-$1/"
        done
}

trap stop_load EXIT
trap 'exit 130' INT TERM
rm -rf steady
failed=0
n=0
while [ "$n" -lt "$runs" ]; do
    n=$((n + 1))
    kind=idle
    [ "$load" = 0 ] || [ $((n % 2)) -eq 1 ] || kind=loaded
    [ "$kind" = idle ] || start_load
    start=$(date +%s)
    if "$make" check >steady.log 2>&1; then
        verdict=clean
    else
        verdict="FAILED: $(sed -n 's/^\(FAIL\|ERROR\): //p' steady.log | sort -u | tr '\n' ' ')"
        failed=$((failed + 1))
        keep "$n"
    fi
    stop_load
    echo "run $n of $runs, $kind, $(($(date +%s) - start)) s: $verdict"
done
echo "$((runs - failed)) of $runs runs were clean"
[ "$failed" -eq 0 ]
