#!/bin/sh
# unsteady.sh - which tests may pass only when they are run again, and until when.
# usage: unsteady.sh LIST             says what is wrong with the list
#        unsteady.sh LIST TEST...     says which of these tests it does not have
#
# A line of the list is DATE TEST REASON; it counts for 30 days from that date.  Prints one line for each
# thing that is wrong; the exit status is 1 if there is any.
set -eu

list=$1
shift
found=$(awk -v list="$list" -v tests="$*" -v today="$(date +%F)" -v oldest="$(date -d '30 days ago' +%F)" '
    /^#/ || NF == 0 { next }
    { wrong = "" }
    $1 < oldest { wrong = "older than 30 days" }
    $1 !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/ || $1 > today || NF < 3 {
        wrong = "not DATE TEST REASON, with a date that has come"
    }
    wrong == "" { listed[$2] = 1 }
    wrong != "" && tests == "" { print list ":" FNR ": " wrong }
    END {
        count = split(tests, test, " ")
        for (i = 1; i <= count; i++) {
            if (!(test[i] in listed)) {
                print test[i] ": unsteady, and not in " list
            }
        }
    }' "$list")
[ -z "$found" ] || {
    echo "$found"
    exit 1
}
