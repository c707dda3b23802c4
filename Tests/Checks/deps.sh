#!/bin/bash
# Installs the Debian packages that building and testing need and that are not there; with `guests` also those of
# `make guests`.
set -euo pipefail

missing=()

# want PACKAGE TEST...: the package is missing if the test fails.
want() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

has_header() { echo "#include <$1>" | ${CC:-cc} -E - -o /dev/null; }

# The Swift toolchain's own clang compiles for BPF; Debian's is needed where it does not.
compiles_bpf() {
    local toolchain
    toolchain=$(dirname "$(readlink -f "$(command -v swift)")")
    for clang in "$toolchain/clang" clang; do
        echo 'int x;' | "$clang" -target bpf -x c -c - -o /dev/null 2>/dev/null && return 0
    done
    return 1
}

if ! command -v swift >/dev/null; then
    echo "deps: there is no swift on the PATH; install a Swift 6.3 toolchain (https://swift.org/install)" >&2
    exit 1
fi

want gcc command -v cc
want libbpf-dev has_header bpf/libbpf.h
want libelf-dev has_header libelf.h
want libcap-dev has_header sys/capability.h
want libyaml-dev has_header yaml.h
want libssl-dev has_header openssl/ssl.h
want zlib1g-dev has_header zlib.h
want clang compiles_bpf
want bpftool bash -c 'PATH=$PATH:/usr/sbin:/sbin command -v bpftool'
# A core of the running proxy, which is searched for secrets.
want gdb command -v gcore
want iproute2 bash -c 'PATH=$PATH:/usr/sbin:/sbin command -v ip'
want curl command -v curl
want wrk command -v wrk
want valgrind command -v valgrind
want openssl command -v openssl
want python3 command -v python3
want python3-venv python3 -c 'import venv, ensurepip'
# The package and the image.
want dpkg-dev command -v dpkg-shlibdeps
want runc bash -c 'PATH=$PATH:/usr/sbin command -v runc'
want umoci command -v umoci
if [ "${1:-}" = guests ]; then
    want chromium-headless-shell bash -c 'command -v chromium-headless-shell || command -v chromium'
    want fonts-dejavu-core test -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
    want lintian command -v lintian
    want debootstrap bash -c 'PATH=$PATH:/usr/sbin command -v debootstrap'
fi
want ca-certificates test -e /etc/ssl/certs/ca-certificates.crt

[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "deps: Debian packages are missing; run as root:" >&2
    echo "    apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

echo "deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
