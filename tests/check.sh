#!/usr/bin/env bash
# Format, lints, docs, dependencies: runs all, reports all.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=0
step() {
  echo "-- $*"
  "$@" || { echo "-- failed: $*"; failed=1; }
}

step cargo fmt --all --check
step cargo clippy --locked --release --workspace --all-targets --quiet -- --deny warnings
# The kernel of the other processor, which its tests run in QEMU.
step cargo clippy --locked --release -p lockstep-kernels --target aarch64-unknown-linux-musl --quiet -- --deny warnings
RUSTDOCFLAGS="--deny warnings" step cargo doc --locked --release --workspace --no-deps --quiet
# The RTL.
step hdl-sim/tools/lint.sh "$LOCKSTEP_HDL_TOOLS"
# One version of each heavy dependency: two would double the build and the module.
duplicates() { ! cargo tree --locked --workspace --duplicates --depth 0 --edges normal 2>/dev/null | grep -E '^(tract|wasmtime|prost|tokio)[-a-z]* '; }
step duplicates
exit $failed
