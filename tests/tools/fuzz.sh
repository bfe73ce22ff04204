#!/usr/bin/env bash
# Fuzzes what reads bytes of strangers: `fuzz.sh CARGO_FUZZ SEEDER TARGET_FOLDER`. SEEDER is the
# program lockstep-fuzz. Variables:
#   TARGETS  names of tests/fuzz/targets/fuzz_targets; all of them if it is empty
#   SECONDS_EACH, RUNS  end a target after so many seconds, or so many inputs (60, no bound)
# An input with which a target breaks a promise lies in TARGET_FOLDER/fuzz/findings. The last lines
# are a table. Compiles on the pinned compiler: the sanitizers, which need another one, stay off.
set -euo pipefail
cd "$(dirname "$0")/../.."

tool=$1 seeder=$2 folder=$3/fuzz
targets=${TARGETS:-$(cd tests/fuzz/targets/fuzz_targets && ls | sed 's/\.rs$//')}
for target in $targets; do
  "$tool" fuzz build --fuzz-dir tests/fuzz/targets --target-dir "$folder" --sanitizer none "$target"
done

failed=0 table=()
for target in $targets; do
  corpus=$folder/corpus/$target findings=$folder/findings/$target log=$folder/$target.log
  mkdir -p "$corpus" "$findings"
  "$seeder" seeds "$target" "$corpus"
  echo "== $target, ${SECONDS_EACH:-60} s, ${RUNS:-any number of} inputs"
  verdict=ok
  "$folder"/*/release/"$target" -max_total_time="${SECONDS_EACH:-60}" -runs="${RUNS:--1}" \
    -max_len=1024 -timeout=90 -rss_limit_mb=1024 -malloc_limit_mb=256 -print_final_stats=1 \
    -artifact_prefix="$findings/" "$corpus" >"$log" 2>&1 || { verdict="FAILED, see $log" failed=1; }
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  cover=$(grep -o 'cov: [0-9]*' "$log" | tail -1)
  table+=("| $target | ${runs:-?} | ${cover#cov: } | $verdict |")
done
printf '%s\n' '| target | inputs | edges | result |' '|---|---|---|---|' "${table[@]}"
exit $failed
