#!/bin/sh
# lint.sh - the slow checks of `make lint`: layout, static analysis, shell scripts.
# usage: lint.sh [format|cppcheck|tidy|shell ...]     (default: all)
#
# Run by make, which sets HF_SRCDIR and HF_TEST_CPPFLAGS; the current folder is the build folder,
# with the generated headers in it.
set -u

: "${HF_SRCDIR:?run this with make lint}"
# Any text will do where the code expects the folders of an installation.
installed_paths="-DHF_PLUGINDIR=__FILE__ -DHF_FUNCTIONDIR=__FILE__ -DHF_PLUGINS_FROM_BIN=__FILE__
    -DHF_FUNCTIONS_FROM_BIN=__FILE__ -DHF_TEMPLATEDIR=__FILE__ -DHF_TEMPLATES_FROM_BIN=__FILE__"
jobs=${JOBS:-$(nproc)}
failed=

# files PATTERN... - our own files of these kinds, one in a line.
files() {
    for folder in bench cli core docker functions include man plugins sim tests tools .ci; do
        [ -d "$HF_SRCDIR/$folder" ] || continue
        for pattern in "$@"; do
            find "$HF_SRCDIR/$folder" -type f -name "$pattern" ! -name '*.pb-c.*'
        done
    done
}

step() {
    name=$1
    shift
    echo "lint: $name"
    "$@" || failed="$failed $name"
}

lint_format() {
    files '*.c' '*.h' | xargs -r clang-format --dry-run -Werror
}

lint_cppcheck() {
    mkdir -p cppcheck.cache
    # shellcheck disable=SC2086
    files '*.c' | xargs -r cppcheck --quiet --std=c11 --enable=warning,performance,portability \
        --inline-suppr --error-exitcode=1 --cppcheck-build-dir=cppcheck.cache -j "$jobs" \
        --suppressions-list="$HF_SRCDIR/tools/cppcheck.suppressions" \
        -D_GNU_SOURCE -I "$HF_SRCDIR/core" -I "$HF_SRCDIR/include"
}

# tidy FLAGS FILE... - prints findings only; fails if there are any.
tidy() {
    flags="$1 $installed_paths"
    shift
    # shellcheck disable=SC2086
    ! clang-tidy --quiet --warnings-as-errors='*' "$@" -- -std=gnu17 $HF_TEST_CPPFLAGS $flags 2>&1 |
        grep -v -E '^[0-9]+ warnings? (and [0-9]+ errors? )?generated|^Error while processing'
}

lint_tidy() {
    # Each file with what the analyzer has to be told; err.c defines what analyzer-core.h redefines,
    # and the test modules are one file compiled with many definitions.
    files '*.c' | grep -v /tests/unit/modules/ | awk -v root="$HF_SRCDIR" '
        { path = substr($0, length(root) + 2); hint = "" }
        path ~ "^(core|cli|functions|man)/" && path != "core/base/err.c" { hint = "core" }
        path ~ "^(plugins|cli/templates)/" { hint = "plugin" }
        { print (hint ? "-include " root "/tools/analyzer-" hint ".h" : "-D_GNU_SOURCE"); print }' |
        tr '\n' '\0' | xargs -0 -r -n 2 -P "$jobs" "$0" --tidy
}

lint_shell() {
    # Scripts without an ending are known by their first line.
    files '*' | xargs -r awk 'FNR == 1 && /^#!.*sh$/ { print FILENAME } { nextfile }' |
        xargs shellcheck "$HF_SRCDIR/bootstrap.sh"
}

if [ "${1-}" = --tidy ]; then # a part of lint_tidy
    shift
    tidy "$@"
    exit
fi
[ $# -gt 0 ] || set -- format shell cppcheck tidy
for kind in "$@"; do
    step "$kind" "lint_$kind"
done
[ -z "$failed" ] || {
    echo "lint: failed:$failed"
    exit 1
}
echo "lint: fine"
