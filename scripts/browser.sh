#!/usr/bin/env bash
# Drives the console in a real browser against the real binary: `scripts/browser.sh [test|screenshots|figures]`. Where there is no browser, no
# npm or no registry it says so, where nobody overlooks it, and is no error; with TOLLGATE_REQUIRE_BROWSER=1 it is one.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

# skipped WHY
skipped() {
  note "******************************************************************"
  note "SKIPPED: nothing of the console was tried in a browser: $1"
  note "******************************************************************"
  [ "${TOLLGATE_REQUIRE_BROWSER:-}" != 1 ] || die "TOLLGATE_REQUIRE_BROWSER=1 asks for it"
  exit 0
}

chromium=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$chromium" ]; then skipped "chromium is not installed (the package chromium)"; fi
features=$(scripts/console.sh)
if [ -z "$features" ]; then skipped "there is no console to look at"; fi
# shellcheck disable=SC2086 # two words
${TOLLGATE_CARGO:-cargo} build --quiet -p tollgate $features
export TOLLGATE_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/tollgate TOLLGATE_CHROMIUM=$chromium
case "${1:-test}" in
  test)
    npm run --prefix console --silent check >&2
    npm run --prefix console --silent test
    ;;
  figures) node console/tests/figures.mjs ;;
  screenshots) node console/tests/screenshots.mjs docs/screenshots "${@:2}" ;;
  *) die "unknown command '$1'; one of test, screenshots, figures" ;;
esac
