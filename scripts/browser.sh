#!/usr/bin/env bash
# Drives the console in a real browser against the real binary: `scripts/browser.sh [test|screenshots]`. Where there is no browser, no
# npm or no registry it says so and is no error.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

chromium=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$chromium" ]; then note "SKIPPED: chromium is not installed (the package chromium)"; exit 0; fi
features=$(scripts/console.sh)
if [ -z "$features" ]; then note "SKIPPED: there is no console to look at"; exit 0; fi
# shellcheck disable=SC2086 # two words
${TOLLGATE_CARGO:-cargo} build --quiet -p tollgate $features
export TOLLGATE_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/tollgate TOLLGATE_CHROMIUM=$chromium
case "${1:-test}" in
  test)
    npm run --prefix console --silent check >&2
    npm run --prefix console --silent test
    ;;
  screenshots) node console/tests/screenshots.mjs docs/screenshots "${@:2}" ;;
  *) die "unknown command '$1'; one of test, screenshots" ;;
esac
