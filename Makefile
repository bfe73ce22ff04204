# Lockstep. `make demo` and `make test` need Rust, Python 3 and the package registries.
# This page lists the targets. Their rules are in tests/make/*.mk.

##@ Try it
demo:            ## rank the bundled catalogue for a person, then stop (PERSON=name)
serve:           ## run the same daemon in the foreground (LISTEN=host:port)
web:             ## serve the demo that ranks in the browser, with the daemon (WEB_PORT=port)
model:           ## quantize the checkpoint into a model folder (CHECKPOINT=folder)
card:            ## encode on the accelerator's RTL, simulated as a device process
lab:             ## build lockstep-lab, the tool for cards, with its manual pages and completions
component:       ## build the Spin component with the model inside
modules:         ## build the WebAssembly modules, strict and relaxed SIMD
deb:             ## a Debian package of the daemon in target/packages
image:           ## a container image of the daemon, a file of the OCI layout, in target/packages

##@ Test it
test:            ## everything that CI runs
check:           ## format, lints, docs
test-house:      ## the repository itself: circles, long lines, stale documents (seconds)
test-spin:       ## the Spin component in a host of its own
test-browser:    ## the npm package and the demo in Chromium
test-deb:        ## the Debian package: files, bytes, installation below a folder, lintian
test-image:      ## the container image: layout, bytes, the daemon from it
test-clients:    ## the clients of OpenAI, Cohere and others, and schemathesis, at the daemon
test-same-bits:  ## the same 50 requests in Chromium, the component, and the daemon twice
test-vm:         ## driver and daemon over the kernel's VFIO, in a virtual machine
test-faults:     ## each fault at each moment of a job, on the RTL and in the machine (minutes)
test-vm-real:    ## the same machine ranks with the real model on the simulated card (minutes)
test-checkpoints: ## models that sentence-transformers saves, through quantize (6 GB of packages)
fuzz:            ## what reads bytes of strangers (TARGETS='server dma' SECONDS_EACH=60 RUNS=n)
miri:            ## undefined behaviour and memory orders: shared memory, the driver's rings
loom:            ## every order of loads and stores of driver and card (a minute)
deny:            ## licences and sources of the dependencies, by cargo-deny
soak:            ## 100,000 jobs on the mock: flat memory, no drift of ids (minutes)

##@ Measure it
bench:           ## speed beside the peers (WHERE=native,wasmtime,chromium,node N=16,32x32,...)
bench-check:     ## that the bench runs and all engines agree; its times mean nothing
bench-driver:    ## what the card's driver costs: jobs a second with a card that answers at once
eval:            ## accuracy beside fp32 and ONNX Runtime's int8 (DATA=folder)
load:            ## the daemon's scheduler: latency alone and beside long requests, two instances
spin-load:       ## the Spin component under load: appends, heavy requests, kept connections
web-load:        ## the demo's first ranking after opening, with and without its vector pack
start-up:        ## what it costs to be ready to score
size:            ## the browser's module by crate, raw and compressed
results:         ## copy the reports of complete measurements into the RESULTS.md files

##@ The accelerator
abi:             ## write the generated SystemVerilog packages and register tables anew
hdl-lint:        ## lints and format of the RTL, by Verilator and Verible
hdl-formal:      ## proofs about its cells and rings
hdl-coverage:    ## lines and bits that its tests reach (minutes)
hdl-mutants:     ## planted mistakes that its tests must notice (minutes; UNITS=ls_drain for some)
hdl-shapes:      ## the widest and oddest models, up to 512 tokens, at 64x64; a waveform (minutes)
sim-report:      ## the real model on the simulated card: bits, cycles (CASES=16x16:16:1 for one)
synth:           ## size and clock on ECP5 and Xilinx parts (minutes)

##@ The rest
clean:           ## delete all that make built or downloaded
help:            ## this list

# What a user may set.
CHECKPOINT ?= .cache/checkpoint
LISTEN     ?= 127.0.0.1:8080
PERSON     ?= Mira
DATA       ?= ../shared/data
WEB_PORT   ?= 8081

.DEFAULT_GOAL := help
include tests/make/variables.mk
include tests/make/prepare.mk
include tests/make/programs.mk
include tests/make/modules.mk
include tests/make/try.mk
include tests/make/package.mk
include tests/make/test.mk
include tests/make/measure.mk
include tests/make/hdl.mk
