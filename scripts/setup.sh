#!/usr/bin/env bash
# Installs what a make target needs and this machine lacks: `scripts/setup.sh run|test|console|data|bench|history|lint`.
# Debian packages are taken with apt when we are root; what cannot be installed is named, and is an error only where nothing works without it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

target=${1:-run}
needed=()   # packages without which the target cannot work
useful=()   # packages without which something is slower or skipped

need() { have "$1" || needed+=("${@:2}"); }
want() { have "$1" || useful+=("${@:2}"); }

toolchain() {
  have cargo || die "cargo is not installed: install Rust first, see https://rustup.rs"
  need cc gcc libc6-dev
  want mold mold
}
packages() { need python3 python3; want npm npm; python3 -m pip --version >/dev/null 2>&1 || useful+=(python3-pip); }

case "$target" in
  run) toolchain; want npm npm ;;
  lint) toolchain ;;
  console) toolchain; need npm npm; need chromium chromium ;;
  test) toolchain; packages; want chromium chromium ;;
  data) packages ;;
  bench) toolchain; need python3 python3; need nginx nginx-light; need wrk wrk ;;
  history) toolchain; packages; need nginx nginx-light; need wrk wrk; need curl curl; need pg_ctlcluster postgresql ;;
  *) die "unknown target '$target'; one of run, test, console, data, bench, history, lint" ;;
esac

if [ ${#needed[@]} -gt 0 ]; then
  apt_install "${needed[@]}" || die "missing and not installable from here (needs root and apt): ${needed[*]}"
fi
if [ ${#useful[@]} -gt 0 ]; then
  apt_install "${useful[@]}" || note "skipped, not installable from here (needs root and apt): ${useful[*]}"
fi
