#!/usr/bin/env bash
# The rules a machine can check: format, clippy, the direction of the crates' arrows, licences and advisories of the dependencies.
# It changes nothing, stops at the first rule that is broken, and says which checks it had to skip.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
cargo test -p tollgate --test arrows
for script in scripts/*.sh .ci/run; do bash -n "$script"; done
if have shellcheck; then shellcheck -x scripts/*.sh .ci/run; else note "SKIPPED: shellcheck is not installed"; fi
if have cargo-deny; then cargo deny check; else note "SKIPPED: cargo-deny is not installed (cargo install cargo-deny --locked)"; fi
note "clean"
