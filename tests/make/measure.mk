# Speed, accuracy, size.

BENCH = $(BIN)/bench --model $(MODEL) --modules $(WASM) --teacher $(TEACHER) --python $(PYTHON) \
  --rten $(BIN)/lockstep-peer-rten --out $(TARGET)/$@/report.json \
  $(if $(WHERE),--where $(WHERE)) $(if $(N),--n $(N))
bench: model modules $(WASM)/peer-tract.wasm $(BIN)/bench $(BIN)/lockstep-peer-rten
bench: $(TEACHER)/int8.onnx $(NODE_TOOLS)/.made
	@$(BENCH)

# Without the peers that need a build of their own.
CHECKED := lockstep,lockstep-strict,ort-int8,ort-web-int8,tract-int8
bench-check: model modules $(BIN)/bench $(TEACHER)/int8.onnx $(NODE_TOOLS)/.made
	@$(BENCH) --quick --n 16 --engines $(CHECKED) $(if $(WHERE),,--where native,chromium,node)

# Cargo runs a bench in its package's folder.
bench-driver:
	@$(CARGO) bench --quiet --locked -p lockstep-accel-driver --bench jobs -- \
	  $(abspath $(TARGET))/driver/report.json

eval: model $(BIN)/embed $(TEACHER)/int8.onnx
	@$(PYTHON) quantize/tools/evaluate.py --data $(DATA) --checkpoint $(CHECKPOINT) \
	  --fp32 $(TEACHER)/fp32.onnx --ort-int8 $(TEACHER)/int8.onnx \
	  --lockstep '$(BIN)/embed $(MODEL) --compact --max-tokens {max_tokens}' \
	  --cache .cache/eval --out $(TARGET)/eval/report.json

start-up: model modules component
	@$(CARGO) build --quiet $(ONE_SET) --example start_up --example first_request
	@$(BIN)/examples/start_up $(MODEL) $(WASM)/lockstep-relaxed.wasm 50 \
	  $(TARGET)/start-up/module.json
	@$(BIN)/examples/first_request $(WASM)/lockstep-component-real.wasm 50 \
	  $(TARGET)/start-up/component.json

load: model modules
	@$(CARGO) build --quiet $(ONE_SET) --example load
	@$(BIN)/examples/load $(MODEL) $(WASM)/lockstep-relaxed.wasm $(TARGET)/load/report.json

# APPENDS and REQUESTS shorten it.
spin-load: component
	@$(CARGO) build --quiet $(ONE_SET) --example spin_load
	@$(BIN)/examples/spin_load $(WASM)/lockstep-component-real.wasm $(APPENDS) $(REQUESTS)

# ROUNDS sets how often each page is opened.
web-load: model $(WEB)/.made $(DEMO_PACK)
	@ROUNDS=$(ROUNDS) node tests/browser/first-ranking.mjs

# Each of sim-report, synth, bench, eval and start-up leaves a report in $(TARGET).
results:
	@python3 tests/tools/results.py $(TARGET)

browser := $(TARGET)/wasm32-unknown-unknown/browser
size: $(BIN)/size $(WEB)/.made
	@$(CARGO) rustc --quiet --profile browser --locked -p lockstep-web --lib \
	  --target wasm32-unknown-unknown --features relaxed-simd -- -C strip=none
	@$(BIN)/size $(browser)/lockstep_web.wasm $(WEB)/package/lockstep-relaxed.wasm
