#!/usr/bin/env bash
# Builds the console's pages into console/dist, unless they are newer than their sources: `scripts/console.sh`. What is needed for the
# binary to have them, cargo's feature, is printed; nothing is printed where they cannot be built, which is told and is no error.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

skip() { note "SKIPPED: $*: the binary has no console"; exit 0; }

have npm || skip "npm is not installed"
node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' || skip "node $(node --version) is older than 18"
if [ ! console/node_modules/.package-lock.json -nt console/package-lock.json ]; then
  note "installing console/package-lock.json"
  # npm ci would refuse a lock file without the binaries of platforms that the registry it was made with does not have.
  npm install --no-save --prefix console --silent --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 >&2 || skip "console/package-lock.json cannot be installed (no registry?)"
  touch console/node_modules/.package-lock.json
fi
newer=$(find console -path console/node_modules -prune -o -path console/dist -prune -o -path console/tests -prune -o -type f -newer console/dist/index.html -print 2>/dev/null | head -1 || true)
if [ ! -e console/dist/index.html ] || [ -n "$newer" ]; then
  note "building the console"
  npm run --prefix console --silent build >&2
fi
echo "--features console"
