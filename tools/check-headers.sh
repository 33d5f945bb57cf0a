#!/bin/sh
# check-headers.sh - each header compiles alone; the public ones as C17 and as C++17.
#
# Run by make, which sets CC, CXX, HF_SRCDIR and HF_TEST_CPPFLAGS; both compilers may be several
# words.
# shellcheck disable=SC2086,SC2044
set -eu

warnings="-Wall -Wextra -Wpedantic -Wundef -Werror"
problems=0

# compile LANGUAGE-AND-STANDARD HEADER COMPILER-AND-FLAGS...
compile() {
    language=$1 header=$2
    shift 2
    if ! echo "#include \"$header\"" | "$@" -fsyntax-only -x "${language%:*}" -std="${language#*:}" -; then
        echo "$header does not compile alone as ${language#*:}"
        problems=$((problems + 1))
    fi
}

for header in "$HF_SRCDIR"/include/hyperfaas/*.h "$HF_SRCDIR"/include/hyperfaas/policy/*.h; do
    compile c:c17 "$header" $CC $warnings -I "$HF_SRCDIR/include"
    compile c++:c++17 "$header" $CXX $warnings -I "$HF_SRCDIR/include"
done
for header in $(find "$HF_SRCDIR/core" -name '*.h'); do
    compile c:gnu17 "$header" $CC -Wall -Wextra -Werror $HF_TEST_CPPFLAGS
done
echo "headers that compile alone: $problems problem(s)"
[ "$problems" -eq 0 ]
