#!/bin/sh
# images.sh - builds the image hyperfaas-NAME:latest of each static executable.
# usage: images.sh EXECUTABLE...      (`make images` does it for all samples)
#
# The engine is the docker command's: $DOCKER_HOST, or the one of this machine.
set -eu

dockerfile=$(dirname "$0")/Dockerfile

# The build's context holds what the image does, so it comes as an archive.
build() {
    mkdir "$work/$1"
    cp "$2" "$dockerfile" "$work/$1"
    tar -C "$work/$1" -c . | docker build -q --build-arg "FUNCTION=$1" -t "hyperfaas-$1:latest" - \
        >"$work/log" 2>&1 || { cat "$work/log" >&2; echo "images.sh: no image of $1" >&2; exit 1; }
}

command -v docker >/dev/null || { echo "images.sh: no docker command (Debian: docker.io)" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '%-40s %8s\n' image KiB
for executable in "$@"; do
    name=$(basename "$executable")
    build "$name" "$executable"
    bytes=$(docker image inspect --format '{{.Size}}' "hyperfaas-$name:latest")
    printf '%-40s %8d\n' "hyperfaas-$name:latest" $((bytes / 1024))
done
