#!/bin/bash
# Puts Debian's prometheus and promtool where tests find them, .build/prometheus, without installing them: the package would
# start a service.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=.build/prometheus
command -v prometheus >/dev/null && command -v promtool >/dev/null && exit 0
[ -x $target/usr/bin/promtool ] && exit 0

fetched=$(mktemp -d)
trap 'rm -rf "$fetched"' EXIT
# apt-get download writes into the directory in which it runs, and as another user than root's where it can.
chmod 755 "$fetched"
if ! (cd "$fetched" && apt-get download -qq prometheus 2>/dev/null); then
    apt-get update -qq
    (cd "$fetched" && apt-get download -qq prometheus)
fi
mkdir -p .build
dpkg-deb --extract "$fetched"/prometheus_*.deb "$fetched/tree"
rm -rf $target
mkdir -p $target/usr
mv "$fetched/tree/usr/bin" $target/usr/
