#!/bin/bash
# Writes the Debian package of the programs in a directory; prints its path.
#
#   build.sh PROGRAMS OUTPUT-DIRECTORY [VERSION]
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
DEPLOY=$(dirname "$HERE")
PROGRAMS=$(cd "$1" && pwd)
mkdir -p "$2"
OUTPUT=$(cd "$2" && pwd)
VERSION=${3:-$("$PROGRAMS/modelbroker" --version)}
ARCHITECTURE=$(dpkg --print-architecture)
# The same files in give the same package out.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$HERE" log -1 --format=%ct)}
umask 022

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
ROOT=$WORK/root
DOC=$ROOT/usr/share/doc/modelbroker

program() { # NAME DIRECTORY
    install -d "$ROOT/$2"
    strip -o "$ROOT/$2/$1" "$PROGRAMS/$1"
    chmod 755 "$ROOT/$2/$1"
}

# What the programs are linked with, in the versions that they need.
depends() {
    install -d "$WORK/debian" "$ROOT/DEBIAN"
    echo "Source: modelbroker" >"$WORK/debian/control"
    (cd "$WORK" && dpkg-shlibdeps --warnings=0 -O "$ROOT"/usr/*bin/*) | sed 's/^shlibs:Depends=//'
}

documents() {
    install -d "$DOC/examples" "$ROOT/usr/share/lintian/overrides"
    install -m 644 "$HERE/copyright" "$DOC/copyright"
    install -m 644 "$HERE/lintian-overrides" "$ROOT/usr/share/lintian/overrides/modelbroker"
    install -m 644 "$DEPLOY/README.md" "$DOC/README.md"
    install -m 644 "$DEPLOY/modelbroker.yaml" "$DEPLOY/systemd/20-engines.conf" "$DOC/examples/"
    printf 'modelbroker (%s) unstable; urgency=medium\n\n  * Version %s.\n\n -- %s  %s\n' "$VERSION" "$VERSION" \
        "$(sed -n 's/^Maintainer: //p' "$HERE/control")" "$(date -uRd "@$SOURCE_DATE_EPOCH")" |
        gzip -9n >"$DOC/changelog.gz"
}

program modelbroker usr/bin
program modelbrokerd usr/sbin
program modelbroker-proxy usr/sbin
install -D -m 644 "$DEPLOY/systemd/modelbrokerd.service" "$ROOT/lib/systemd/system/modelbrokerd.service"
install -D -m 644 "$HERE/modelbroker.yaml" "$ROOT/etc/modelbroker/modelbroker.yaml"
documents

DEPENDS=$(depends)
SIZE=$(du -sk "$ROOT" | cut -f 1)
(cd "$ROOT" && find etc lib usr -type f -print0 | sort -z | xargs -0 md5sum) \
    >"$ROOT/DEBIAN/md5sums"
sed "s|@VERSION@|$VERSION|; s|@ARCHITECTURE@|$ARCHITECTURE|; s|@SIZE@|$SIZE|; s|@DEPENDS@|$DEPENDS|" \
    "$HERE/control" >"$ROOT/DEBIAN/control"
echo /etc/modelbroker/modelbroker.yaml >"$ROOT/DEBIAN/conffiles"
install -m 755 "$HERE/postinst" "$HERE/prerm" "$HERE/postrm" "$ROOT/DEBIAN/"

PACKAGE=$OUTPUT/modelbroker_${VERSION}_$ARCHITECTURE.deb
dpkg-deb --root-owner-group -Zxz -z1 --build "$ROOT" "$PACKAGE" >/dev/null
echo "$PACKAGE"
