#!/bin/sh
# bootstrap.sh - from a fresh clone to a running platform.
set -eu

usage() {
    cat <<'END'
usage: ./bootstrap.sh COMMAND [ARGUMENT...]

  deps [--all]         install the Debian packages that are missing;
                       --all: also those that only lint, benchmarks and the
                       tests with real engines need
  build [OPTION...]    configure (with the given options) and build in ./build
  demo [--keep]        deps, build, then show the platform at work;
                       --keep leaves it running
  check [--all]        deps, build, then run all tests; those that need engines
                       which are not installed are skipped, and named at the
                       end; --all installs the engines, too

Packages are installed with apt-get, by root or through sudo, and listed before.

Environment:
  BUILD    folder to build in (default: build)
  CC       the compiler (default: gcc, through ccache where that is installed)
  JOBS     how much to do at a time (default: one job per processor)
END
}

# The Debian packages: to build and test; to lint, to compare with others, and the engines that
# tests start.
PACKAGES="build-essential autoconf automake libtool pkg-config xz-utils
    libevent-dev libnghttp2-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler
    libprotobuf-dev libcurl4-openssl-dev libjson-c-dev libltdl-dev libssl-dev
    uthash-dev libcunit1-dev zlib1g-dev libjpeg-dev groff-base python3 python3-grpcio python3-protobuf"
EXTRA_PACKAGES="ccache clang-14 libclang-rt-14-dev clang-format clang-tidy cppcheck shellcheck valgrind git
    nghttp2-client nghttp2-proxy haproxy nginx-light
    docker.io docker-compose debootstrap etcd-server openssl iproute2 iptables"

say() {
    echo "bootstrap: $*"
}

die() {
    echo "bootstrap: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root for '$*': run this as root, or install sudo"
    fi
}

is_installed() {
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

deps() {
    wanted=$PACKAGES
    case ${1-} in
    --all) wanted="$PACKAGES $EXTRA_PACKAGES" ;;
    '') ;;
    *) die "$command: unknown argument '$1', expected --all" ;;
    esac
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        die "this is not Debian or Ubuntu: install what corresponds to:" "$wanted"
    fi
    missing=
    for package in $wanted; do
        is_installed "$package" || missing="$missing $package"
    done
    if [ -z "$missing" ]; then
        say "all packages are installed"
        return
    fi
    say "installing with apt-get:$missing"
    as_root apt-get update -q ||
        say "apt-get update failed; trying with the package lists that are there"
    # Word splitting is wanted: one argument for each package.
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing ||
        die "apt-get could not install:$missing"
}

# Runs in the build folder.
configure() {
    if [ -z "${CC-}" ]; then
        CC=gcc
        ! command -v ccache >/dev/null || CC="ccache gcc"
    fi
    "$top/configure" CC="$CC" "$@" || die "configure failed; details are in $BUILD/config.log"
}

build() {
    [ ! -e config.status ] ||
        die "the source folder itself is configured, which gets in the way: run 'make distclean'"
    if [ ! -e configure ]; then # make itself creates it anew when configure.ac changes
        command -v autoreconf >/dev/null || die "autoreconf not found: run './bootstrap.sh deps'"
        say "creating configure"
        autoreconf -i || die "autoreconf failed"
    fi
    mkdir -p "$BUILD" || die "cannot create the folder '$BUILD'"
    [ -w "$BUILD" ] || die "'$BUILD' belongs to somebody else: remove it, or set BUILD"
    cd "$BUILD"
    if [ ! -e Makefile ] || [ $# -gt 0 ]; then
        say "configuring in $BUILD"
        configure "$@"
    fi
    say "building in $BUILD"
    make -j"$JOBS" || die "the build failed"
    cd "$top"
}

check() {
    deps "$@"
    build
    say "running the tests"
    make -C "$BUILD" -j"$JOBS" check || die "tests failed; details are in $BUILD/test-suite.log"
    say "all tests passed"
}

demo() {
    deps
    build
    HF_BUILDDIR=$(cd "$BUILD" && pwd) exec tools/demo.sh "$@"
}

top=$(cd "$(dirname "$0")" && pwd)
cd "$top"
BUILD=${BUILD:-build}
JOBS=${JOBS:-$(nproc)}

command=${1-}
[ $# -eq 0 ] || shift
case $command in
deps | build | check | demo) "$command" "$@" ;;
-h | --help | help) usage ;;
*)
    usage >&2
    exit 2
    ;;
esac
