#!/usr/bin/env bash
# Builds tollgate and runs bench/history.py with the engines it compares with: `scripts/history.sh [ARGUMENT…]`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

engines=$(installed bench-python bench/requirements.txt pip_into bench/requirements.txt) \
  || die "the packages of bench/requirements.txt cannot be installed (no pip, or no registry)"
cargo build --profile dist -p tollgate
PYTHONPATH=$engines PYTHONDONTWRITEBYTECODE=1 \
  python3 bench/history.py --tollgate "${CARGO_TARGET_DIR:-target}/dist/tollgate" "$@"
