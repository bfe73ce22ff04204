# Tests. `make test` prepares what they need, then tests/run.sh runs every part.

test: model modules $(TINY)/model/lockstep.json $(WASM)/lockstep-component-tiny.wasm
test: $(HDL_TOOLS)/bin/python $(NODE_TOOLS)/.made
	@tests/run.sh

check: .cache/toolchain $(HDL_TOOLS)/bin/python
	@tests/check.sh

test-house: .cache/toolchain
	@$(CARGO) test --quiet --locked -p lockstep-house

test-spin: modules $(WASM)/lockstep-component-tiny.wasm
	@$(CARGO) test $(ONE_SET) --test edge

# Not part of `make test`: torch comes with gigabytes of libraries for graphics cards.
test-checkpoints: model $(TINY)/model/lockstep.json $(BIN)/embed $(SAVERS)/bin/python
	@$(SAVERS)/bin/python tests/checkpoints/test_saved.py

# The clients that other services have. OpenAI's for JavaScript is in the part `test-browser`.
test-clients: $(TINY)/model/lockstep.json $(TINY)/labels/lockstep.json $(HOST) $(CLIENTS)/bin/python
	@cd tests/clients && $(abspath $(CLIENTS))/bin/python -m unittest --quiet test_clients test_openapi

NODE_TEST := node --test --test-concurrency 1
test-browser: model modules $(TINY)/model/lockstep.json $(HOST) $(BIN)/embed $(WEB)/.made \
  $(DEMO_PACK)
	@$(NODE_TEST) tests/browser/*.test.mjs

# The promise of the README: each runtime gives the same answer.
test-same-bits: model modules $(HOST) $(BIN)/embed $(BIN)/spin-host $(WEB)/.made
test-same-bits: $(WASM)/lockstep-component-real.wasm
	@$(NODE_TEST) tests/same-bits/*.test.mjs

# The guest runs this machine's own programs, so nothing is compiled for it.
GUEST   := $(BIN)/lockstep-accel-vm
VM_TEST  = LOCKSTEP_VM=$(abspath $(VM)) $(CARGO) test --quiet $(ONE_SET) --test vm -- \
  --ignored --nocapture
test-vm: $(VM)/qemu/qemu $(VM)/guest/tiny.cpio
	@$(VM_TEST) the_daemon_ranks_on_the_card_whatever_happens_to_the_card
test-vm-real: $(VM)/qemu/qemu $(VM)/guest/real.cpio
	@$(VM_TEST) a_real_model_ranks_on_the_card
test-faults: $(VM)/qemu/qemu $(VM)/guest/tiny.cpio
	@$(CARGO) test --quiet $(ONE_SET) --test matrix --test played -- --ignored --nocapture
	@$(VM_TEST) each_fault_at_each_moment_over_the_kernel_s_vfio
$(VM)/qemu/qemu: tests/vm/get-qemu.sh
	@$< $(@D)
$(VM)/guest/tiny.cpio: GUEST_MODEL := $(TINY)/model
$(VM)/guest/tiny.cpio: $(TINY)/model/lockstep.json
$(VM)/guest/real.cpio: GUEST_MODEL := $(MODEL)
$(VM)/guest/real.cpio: $(MODEL)/lockstep.json
$(VM)/guest/%.cpio: tests/vm/make-guest.sh $(GUEST) $(HOST)
	@$< $(@D) $(@F) $(GUEST) $(HOST) $(GUEST_MODEL)
$(GUEST): $(call sources,accel-driver tests/vm $(addprefix wasm-module/,$(QUANT_CRATES)))
$(GUEST): accel-driver/stories/FAULTS.md | .cache/toolchain
	@$(PROGRAM)

FUZZ_TOOLS := .cache/fuzz-tools
fuzz: $(FUZZ_TOOLS)/bin/cargo-fuzz $(BIN)/lockstep-fuzz
	@TARGETS='$(TARGETS)' SECONDS_EACH='$(SECONDS_EACH)' RUNS='$(RUNS)' \
	  tests/tools/fuzz.sh $(abspath $^ $(TARGET))
$(FUZZ_TOOLS)/bin/cargo-fuzz: | .cache/toolchain
	@$(CARGO) install --quiet --locked --root $(FUZZ_TOOLS) cargo-fuzz@0.13.2
miri: .cache/toolchain
	@tests/tools/miri.sh $(abspath $(TARGET))

# A target folder of its own: the flag changes every crate.
loom: .cache/toolchain
	@RUSTFLAGS='--cfg lockstep_loom' $(CARGO) test --quiet --release --locked \
	  --target-dir $(TARGET)/loom -p lockstep-accel-driver --lib -- rings::loom

deny: .cache/toolchain
	@tests/tools/deny.sh .cache/deny

soak: .cache/toolchain
	@$(CARGO) test --quiet $(ONE_SET) --test soak -- --ignored --nocapture
