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

NODE_TEST := node --test --test-concurrency 1
test-browser: model modules $(TINY)/model/lockstep.json $(HOST) $(BIN)/embed $(WEB)/.made
	@$(NODE_TEST) tests/browser/*.test.mjs

# The promise of the README: each runtime gives the same answer.
test-same-bits: model modules $(HOST) $(BIN)/embed $(BIN)/spin-host $(WEB)/.made
test-same-bits: $(WASM)/lockstep-component-real.wasm
	@$(NODE_TEST) tests/same-bits/*.test.mjs

# The guest's program is one static file, linked by the linker that comes with Rust.
musl  := x86_64-unknown-linux-musl
GUEST := $(TARGET)/$(musl)/release/lockstep-accel-vm
test-vm: .cache/toolchain $(VM)/qemu/qemu $(VM)/guest/initramfs.gz
	@LOCKSTEP_VM=$(abspath $(VM)) $(CARGO) test --quiet --release --locked \
	  -p lockstep-accel-vm --test vm -- --ignored --nocapture
$(VM)/qemu/qemu: tests/vm/get-qemu.sh
	@$< $(@D)
$(VM)/guest/initramfs.gz: tests/vm/make-guest.sh $(GUEST)
	@$< $(@D) $(GUEST)
$(GUEST): $(call sources,accel-driver tests/vm wasm-module/arith) | .cache/toolchain
	@CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld $(CARGO) build --quiet --release \
	  --locked -p lockstep-accel-vm --target $(musl)
	@touch $@

deny: .cache/toolchain
	@tests/tools/deny.sh .cache/deny
