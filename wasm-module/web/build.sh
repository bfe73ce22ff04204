#!/usr/bin/env bash
# usage: build.sh BINDGEN TARGET TSC
# Makes the package for browsers in TARGET/web/package and the demo in TARGET/web/demo.
set -euo pipefail
cd "$(dirname "$0")/../.."

bindgen=$1 target=$2 tsc=$3
package=$target/web/package demo=$target/web/demo glue=$target/web/glue
rm -rf "$package" "$demo" "$glue"
mkdir -p "$package" "$demo"

for kind in strict relaxed; do
  features=$([ $kind = relaxed ] && echo relaxed-simd || true)
  cargo build --quiet --profile browser --locked -p lockstep-web --target wasm32-unknown-unknown --features "$features"
  "$bindgen" "$target/wasm32-unknown-unknown/browser/lockstep_web.wasm" "$glue/$kind" engine
  cp "$glue/$kind/engine_bg.wasm" "$package/lockstep-$kind.wasm"
done
# Both builds use the same JavaScript file, so a bundler has one import to follow.
cmp "$glue/strict/engine.js" "$glue/relaxed/engine.js"
cp "$glue/strict/engine.js" "$package/"

"$tsc" -p wasm-module/web --outDir "$package"
"$tsc" -p wasm-module/web/demo --outDir "$demo"
cp wasm-module/web/{package.json,README.md} "$package/"
cp wasm-module/web/demo/{index.html,style.css,icon.svg,sw.js,catalogue.json,people.json} "$demo/"
