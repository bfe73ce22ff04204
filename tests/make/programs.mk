# The native programs. Cargo builds them; make builds them again only if their sources changed.

# The sources of folders, tests apart.
source_names := -name '*.rs' -o -name Cargo.toml -o -name calibration.txt -o -name 'page.*'
sources = Cargo.toml Cargo.lock \
  $(shell find $(1) -path '*/tests/*' -prune -o \( $(source_names) \) -print)

QUANT_CRATES := arith folder kernels tokenizer
MODULE_SRC := $(call sources,wasm-module)
QUANT_SRC  := $(call sources,quantize $(addprefix wasm-module/,$(QUANT_CRATES)))
HOST_SRC   := $(call sources,edge-host accel-driver)
TESTS_SRC  := $(MODULE_SRC) $(QUANT_SRC) $(HOST_SRC) $(call sources,tests/src tests/peers tests/quantize/src) tests/Cargo.toml

# One set of features for all programs and for the tests, so that tract and wasmtime are compiled
# once. The peer rten is left out: only `make bench` needs it, and it takes minutes.
ONE_SET := --release --locked --workspace --exclude lockstep-peer-rten
flags    = $(if $(findstring rten,$@),--release --locked --workspace,$(ONE_SET))
PROGRAM  = $(CARGO) build $(flags) --bin $(notdir $@) && touch $@

$(QUANTIZE): $(QUANT_SRC) | .cache/toolchain
	@$(PROGRAM)
$(HOST): $(HOST_SRC) $(MODULE_SRC) | .cache/toolchain
	@$(PROGRAM)
$(BIN)/lockstep-peer-rten: $(call sources,tests/peers/rten) | .cache/toolchain
	@$(PROGRAM)
$(BIN)/embed $(BIN)/bench: $(TESTS_SRC) | .cache/toolchain
	@$(PROGRAM)
$(BIN)/lockstep-fuzz: $(TESTS_SRC) $(call sources,hdl-sim tests/fuzz) | .cache/toolchain
	@$(PROGRAM)
$(BIN)/spin-host: $(call sources,tests/spin) | .cache/toolchain
	@$(PROGRAM)
$(BIN)/bindgen $(BIN)/size: $(call sources,wasm-module/web/bindgen) | .cache/toolchain
	@$(PROGRAM)
