#!/usr/bin/env bash
# Runs every test of the workspace, all in cargo's default (dev) profile, and ends with the runner's own summary.
# A part that fails does not hide the parts after it; the exit status is that of the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

status=0
step() {
  note "$*"
  local code=0
  "$@" || code=$?
  if [ "$code" != 0 ]; then
    note "failed ($code): $*"
    [ "$status" != 0 ] || status=$code
  fi
}

# Data files let the tests that read them run; without a registry those tests skip themselves.
signals=$(cache_home)/signals
if [ "${TOLLGATE_TEST_DATA:-fetch}" = skip ]; then
  note "data files skipped (TOLLGATE_TEST_DATA=skip)"
elif [ -n "$(find "$signals.complete" -mtime -7 2>/dev/null)" ]; then
  note "data files of the last seven days are in the cache"
elif SIGNALS_DIR=$signals timeout -k 10 240 scripts/data.sh </dev/null; then
  touch "$signals.complete"
else
  note "data files incomplete; tests that need them skip themselves"
fi
if [ -e "$signals/LICENSES.md" ]; then export TOLLGATE_TEST_SIGNALS_DIR=$signals; fi
if [ -d ../shared/data ]; then note "real data beside the checkout: ../shared/data"; else note "no ../shared/data: tests on real data skip themselves"; fi

# The server that stands for S3-compatible storage.
if s3=$(installed s3-python tests/s3/requirements.txt pip_into tests/s3/requirements.txt); then
  export TOLLGATE_TEST_S3=$s3
else
  note "SKIPPED: the packages of tests/s3/requirements.txt cannot be installed (no pip, or no registry): tests of storage skip themselves"
fi

# Property tests draw the same cases each time: a run that fails is repeated by running it again, and fails for what was
# changed. `make explore` draws others.
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-20261122}

step python3 -m unittest discover -q -s scripts -p 'test_*.py'
step python3 -m unittest discover -q -s bench -p 'test_*.py'
if cargo nextest --version >/dev/null 2>&1; then
  step cargo test --workspace --doc --quiet
  step cargo nextest run --workspace --no-fail-fast
else
  note "cargo-nextest is not installed: cargo test runs everything"
  step cargo test --workspace --no-fail-fast
fi
step cargo build -p tollgate
step scripts/conformance.sh
step scripts/browser.sh test
exit "$status"
