# What is built for WebAssembly: the modules, the Spin component, the browser's package.

# Both modules are built in one folder: tract, whose features do not differ, is compiled once.
modules: $(WASM)/lockstep-strict.wasm $(WASM)/lockstep-relaxed.wasm
bare := $(TARGET)/wasm32-unknown-unknown/module
$(WASM)/lockstep-strict.wasm: FEATURES :=
$(WASM)/lockstep-relaxed.wasm: FEATURES := --features relaxed-simd
$(WASM)/lockstep-%.wasm: $(MODULE_SRC) | .cache/toolchain
	@$(CARGO) build --profile module --locked -p lockstep-module --target wasm32-unknown-unknown $(FEATURES)
	@mkdir -p $(WASM) && cp $(bare)/lockstep_module.wasm $@
$(WASM)/peer-tract.wasm: $(TESTS_SRC) | .cache/toolchain
	@$(CARGO) build --profile module --locked -p lockstep-peer-tract --target wasm32-unknown-unknown
	@mkdir -p $(WASM) && cp $(bare)/lockstep_peer_tract.wasm $@

# The Spin component, with a model opened inside.
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

# The browser's package and its demo.
WEB_SRC := $(shell find wasm-module/web -type f -not -name '*.md') wasm-module/web/README.md

$(WEB)/.made: $(MODULE_SRC) $(WEB_SRC) $(NODE_TOOLS)/.made $(BIN)/bindgen
	@wasm-module/web/build.sh $(BIN)/bindgen $(TARGET) $(NODE_TOOLS)/.bin/tsc && touch $@

# The vectors of the demo's articles.
DEMO_PACK := $(WEB)/demo/catalogue.lockpack
$(DEMO_PACK): $(WEB)/.made $(MODEL)/lockstep.json $(HOST)
	@node wasm-module/web/demo/lines.mjs $(WEB)/demo >$(WEB)/articles.jsonl
	@$(HOST) pack --model $(MODEL) --lines $(WEB)/articles.jsonl --out $@ >/dev/null
