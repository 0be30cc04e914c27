#!/usr/bin/env bash
# Runs programs that others wrote against the built binary: `scripts/conformance.sh [clients|schemathesis [ARGUMENT…]]`, both without an argument.
# Packages are installed once into the cache, in the versions that conformance/ pins; what cannot be installed is told and skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

npm_into() { cp conformance/package.json "$1" && npm install --silent --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 --prefix "$1"; }

if ! python=$(installed conformance-python conformance/requirements.txt pip_into conformance/requirements.txt); then
  note "SKIPPED: the packages of conformance/requirements.txt cannot be installed (no pip, or no registry)"
  exit 0
fi
export PYTHONPATH=$python PYTHONDONTWRITEBYTECODE=1
if have npm && node=$(installed conformance-node conformance/package.json npm_into); then
  export TOLLGATE_NODE_MODULES=$node/node_modules
else
  note "SKIPPED: the packages of conformance/package.json cannot be installed (no npm, or no registry)"
fi

what=${1:-all}
status=0
case "$what" in all | clients) python3 -m unittest discover -s conformance -p 'test_*.py' || status=$? ;; esac
case "$what" in all | schemathesis) python3 conformance/run_schemathesis.py "${@:2}" || status=$? ;; esac
exit "$status"
