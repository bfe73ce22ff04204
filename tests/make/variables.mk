# The shell, the folders, and what the tests read from the environment.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# Every target of the front page has no file of its name.
.PHONY: $(shell sed -n 's/^\([a-z-]*\): *\#\#.*/\1/p' Makefile)

CARGO      := cargo
TARGET     := $(or $(CARGO_TARGET_DIR),target)
BIN        := $(TARGET)/release
WASM       := $(TARGET)/modules
WEB        := $(TARGET)/web
PYTHON     := .venv/bin/python
NODE_TOOLS := tests/node_modules
HDL_TOOLS  := .cache/hdl-venv
SAVERS     := .cache/checkpoints-venv
CLIENTS    := .cache/clients-venv
VM         := .cache/vm
TINY       := .cache/tiny

# Each checkpoint folder has a model folder of its own. The bundled one is named after its model;
# another one is named after its folder and a checksum of the folder's path.
BUNDLED    := $(filter .cache/checkpoint,$(CHECKPOINT))
MODEL_ID   := $(if $(BUNDLED),all-MiniLM-L6-v2,$(notdir $(abspath $(CHECKPOINT))))
checksum    = $(firstword $(shell echo '$(abspath $(CHECKPOINT))' | cksum))
MODEL_KEY  := $(MODEL_ID)$(if $(BUNDLED),,-$(checksum))
MODEL      := .cache/models/$(MODEL_KEY)
TEACHER    := .cache/teacher/$(MODEL_KEY)

QUANTIZE   := $(BIN)/quantize
HOST       := $(BIN)/edge-host

export LOCKSTEP_CHECKPOINT := $(abspath $(CHECKPOINT))
export LOCKSTEP_EMBED      := $(abspath $(BIN)/embed)
export LOCKSTEP_HDL_TOOLS  := $(abspath $(HDL_TOOLS))
export LOCKSTEP_HOST       := $(abspath $(HOST))
export LOCKSTEP_MODEL      := $(abspath $(MODEL))
export LOCKSTEP_MODULES    := $(abspath $(WASM))
export LOCKSTEP_PYTHON     := $(abspath $(PYTHON))
export LOCKSTEP_QUANTIZE   := $(abspath $(QUANTIZE))
export LOCKSTEP_SPIN_HOST  := $(abspath $(BIN)/spin-host)
export LOCKSTEP_TINY       := $(abspath $(TINY))
export LOCKSTEP_WEB        := $(abspath $(WEB))
