#!/bin/sh
# test-unsteady.sh - what unsteady.sh says of lists and tests.
set -eu

list=$(mktemp)
trap 'rm -f "$list"' EXIT

# expect ANSWER [TEST...] - what is said of the list, or of the tests, is this.
expect() {
    wanted=$1
    shift
    said=$("$HF_SRCDIR/tools/unsteady.sh" "$list" "$@" | sed "s#$list#LIST#" || true)
    [ "$said" = "$wanted" ] || {
        echo "expected '$wanted', found '$said'"
        exit 1
    }
}

expect ""
expect "a.py: unsteady, and not in LIST" a.py

cat >"$list" <<END
# 2020-01-01 commented.py out

$(date +%F) today.py a reason of several words
$(date -d '29 days ago' +%F) recent.py a reason
END
expect ""
expect "" today.py recent.py
expect "commented.py: unsteady, and not in LIST" today.py commented.py

cat >"$list" <<END
$(date -d '31 days ago' +%F) old.py a reason
$(date -d '2 days' +%F) future.py a reason
$(date +%F) silent.py
undated.py a reason
END
expect "LIST:1: older than 30 days
LIST:2: not DATE TEST REASON, with a date that has come
LIST:3: not DATE TEST REASON, with a date that has come
LIST:4: not DATE TEST REASON, with a date that has come"
expect "old.py: unsteady, and not in LIST
silent.py: unsteady, and not in LIST" old.py silent.py

if "$HF_SRCDIR/tools/unsteady.sh" "$list" >/dev/null || "$HF_SRCDIR/tools/unsteady.sh" "$list.missing" 2>/dev/null; then
    echo "what is wrong ends with 0"
    exit 1
fi
