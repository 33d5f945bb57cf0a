#!/bin/sh
# base.sh - makes an archive of Debian as the images need it, where no image can be pulled.
# usage: base.sh ARCHIVE      (as root, with debootstrap)
#
#     docker/base.sh base.tar && docker import base.tar hyperfaas-base
#     make cluster-images BASE=hyperfaas-base
#
# What the images install is in it already, so building them needs no network.
set -eu

[ $# -eq 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
archive=$1
packages=$(tr '\n' ',' <"$(dirname "$0")/packages")etcd-server
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

debootstrap --variant=minbase --include="$packages" bookworm "$work/root"
rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* \
    "$work"/root/usr/share/doc/* "$work"/root/usr/share/locale/* "$work"/root/etc/apt/sources.list
tar -C "$work/root" -c . >"$archive.new"
mv "$archive.new" "$archive"
