#!/usr/bin/env bash
# Runs everything that CI runs: `make test`. A failed part does not stop the others.
#
# The last line is `N passed, M failed, K skipped`: parts of this script, and tests that could not
# run. The lines above name them and the ten slowest parts.
#
# A test that cannot run because a corpus is missing appends `NAME: reason` to the file that
# LOCKSTEP_SKIPPED names. A test whose tool is missing fails: make installs the tools.
set -uo pipefail
cd "$(dirname "$0")/.."

logs=$PWD/target/test-logs
rm -rf "$logs" && mkdir -p "$logs"
export LOCKSTEP_SKIPPED=$logs/skipped
: >"$LOCKSTEP_SKIPPED"
failed=() passed=0

# part NAME COMMAND…: runs the command, keeps its output and its time.
part() {
  local name=$1 started=$SECONDS
  local log=$logs/${name// /-}.log
  shift
  echo "== $name"
  if "$@" 2>&1 | tee "$log"; then passed=$((passed + 1)); else failed+=("$name"); fi
  local took=$((SECONDS - started))
  echo "== $name: $took s"
  times "$name" "$took" <"$log" >>"$logs/times"
}

# times NAME SECONDS: reads the output of a part, prints `SECONDS NAME` for each of its test
# programs (cargo prints their times) and for the rest, which is mostly compiling.
times() {
  awk -v part="$1" -v total="$2" '
    $1 == "Running" { program = $2 == "unittests" ? $NF " unit tests" : $2 }
    $1 == "Doc-tests" { program = "examples of " $2 }
    $1 == "Running" { gsub(/^\(.*\/deps\/|-[0-9a-f]+\)/, "", program) }
    /^test result: .* finished in / {
      seconds = $NF; sub(/s$/, "", seconds)
      spent += seconds; programs++
      printf "%.1f %s: %s\n", seconds, part, program
    }
    END {
      name = programs > 1 ? part ": building and all else" : part
      if (programs != 1) printf "%.1f %s\n", total - spent, name
    }'
}

# The whole contract with overflow checks, in the development profile.
arithmetic() { cargo test --locked -p lockstep-arith; }
# The peer rten has no tests and takes minutes to build.
workspace() {
  cargo test --locked --release --workspace --exclude lockstep-arith \
    --exclude lockstep-peer-rten --no-fail-fast
}
tools() {
  "$LOCKSTEP_PYTHON" -m unittest discover -s quantize/tools &&
    python3 -m unittest discover -s tests/tools
}
# The kernels' own tests in WebAssembly, in Node. If Node's relaxed SIMD is not the final one, the
# strict kernel stands in; the part "workspace" compares the relaxed one in wasmtime.
wasm_kernels() {
  for features in "" relaxed-simd; do
    cargo test --locked --release -p lockstep-kernels --target wasm32-wasip1 \
      --features "$features" || return 1
  done
}
# The kernels' own tests on aarch64, in QEMU. Rust brings the linker of this target.
arm_kernels() {
  export LOCKSTEP_EXPECT_KERNEL=arm-dotprod
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER="qemu-aarch64 -cpu max"
  cargo test --locked --release -p lockstep-kernels --target aarch64-unknown-linux-musl
}
# The module for wasm32-wasip1: only type-checked, which spares another build of tract.
targets() {
  for features in "" relaxed-simd; do
    cargo check --locked --profile module -p lockstep-module --target wasm32-wasip1 \
      --features "$features" || return 1
  done
}
# The examples that users start from. The part "workspace" has built them.
examples() {
  make --no-print-directory card | grep '^\[1, 2, 3\]: \[' &&
    "${CARGO_TARGET_DIR:-target}/release/examples/rank" "$LOCKSTEP_MODEL" |
    grep '"items":\[{"id":"helmets"'
}
# The README's first command, as a user types it.
demo() { make --no-print-directory demo >"$1" && grep -q 'because' "$1" && head -20 "$1"; }
made() { make --no-print-directory "$1"; }

part "format, lints, docs" tests/check.sh
part "arithmetic" arithmetic
part "workspace" workspace
part "proofs of the RTL" hdl-sim/tools/formal.sh "$LOCKSTEP_HDL_TOOLS" target/formal
part "virtual machine" made test-vm
part "python tools" tools
part "kernels in WebAssembly" wasm_kernels
part "kernels on aarch64" arm_kernels
part "wasm targets" targets
part "browser" made test-browser
part "clients" made test-clients
part "debian package" made test-deb
part "container image" made test-image
part "same bits" made test-same-bits
part "bench runs" made bench-check
part "dependencies" made deny
part "examples" examples
part "demo" demo target/demo.txt

echo "the ten slowest parts, in seconds:"
sort -rn "$logs/times" | sed -n '1,10s/^/  /p'
sort -u "$LOCKSTEP_SKIPPED" | sed 's/^/skipped: /'
((${#failed[@]} == 0)) || printf 'failed: %s\n' "${failed[@]}"
echo "$passed passed, ${#failed[@]} failed, $(sort -u "$LOCKSTEP_SKIPPED" | wc -l) skipped"
((${#failed[@]} == 0))
