#!/bin/sh
# check-exports.sh - each built module exports exactly one symbol, hyperfaas_plugin.
#
# HF_MODULES lists the modules as automake knows them: plugins/lb-roundrobin/lb-roundrobin.la.
set -eu

problems=0
for module in $HF_MODULES; do
    file=$(dirname "$module")/.libs/$(basename "$module" .la).so
    symbols=$(nm -D --defined-only "$file" | awk '{ print $3 }')
    if [ "$symbols" != hyperfaas_plugin ]; then
        echo "$file: exports" "$symbols" "instead of hyperfaas_plugin alone"
        problems=$((problems + 1))
    fi
done
echo "exported symbols: $problems problem(s)"
[ "$problems" -eq 0 ]
