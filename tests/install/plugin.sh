#!/bin/sh
# plugin.sh - a plugin from outside the tree builds with one command against what was installed.
set -eu

fail() {
    echo "plugin.sh: $*" >&2
    exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A make of its own: it shares neither the job slots nor the variables of `make check`.
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$HF_BUILDDIR" install DESTDIR="$work/root" \
    >"$work/install.log" 2>&1 || { cat "$work/install.log"; fail "make install failed"; }

pc=$(find "$work/root" -name hyperfaas-plugin.pc)
[ -n "$pc" ] || fail "hyperfaas-plugin.pc is not installed"
PKG_CONFIG_PATH=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$work/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR

# The one command.
# shellcheck disable=SC2046,SC2086 # flags are several words, a compiler may be
$CC -std=c17 -Wall -Wextra -Werror -o "$work/lb-first.so" "$HF_SRCDIR/tests/install/lb-first.c" \
    $(pkg-config --cflags --libs hyperfaas-plugin) || fail "the plugin does not build"

# So do those of ours that use the shared headers.
for policy in lb-peakewma scheduler-chbounded; do
    # shellcheck disable=SC2046,SC2086
    $CC -std=c17 -Wall -Wextra -Werror -o "$work/$policy.so" \
        "$HF_SRCDIR/plugins/$policy/${policy#*-}.c" $(pkg-config --cflags --libs hyperfaas-plugin) ||
        fail "$policy does not build with what is installed"
done

symbols=$(nm -D --defined-only "$work/lb-first.so" | awk '{ print $3 }')
[ "$symbols" = hyperfaas_plugin ] || fail "the plugin exports $symbols"

plugindir=$(pkg-config --variable=plugindir hyperfaas-plugin)
for module in $HF_MODULES; do
    [ -e "$work/root$plugindir/$(basename "$module" .la).so" ] ||
        [ -e "$plugindir/$(basename "$module" .la).so" ] ||
        fail "$module is not installed in $plugindir"
done
