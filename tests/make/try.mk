# The first commands of a user.

help:
	@awk -F ':.*## ' '/^##@/ { print (NR > 4 ? "\n" : "") substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile

WITH_DAEMON = edge-host/demo/with_daemon.sh $(HOST) $(MODEL) $(WASM)/lockstep-relaxed.wasm
demo: model modules $(HOST)
	@$(WITH_DAEMON) python3 edge-host/demo/demo.py --person $(PERSON) --wait 120 --url

serve: model modules $(HOST)
	@$(HOST) serve --model $(MODEL) --module $(WASM)/lockstep-relaxed.wasm \
	  --listen $(LISTEN) --cache-dir .cache/compiled --log

# The socket has a relative path, because the path of a socket has at most 107 bytes.
CARD_SOCKET := .cache/card.sock
card: .cache/toolchain
	@$(CARGO) build --quiet $(ONE_SET) --bin lockstep-card --example encode
	@rm -f $(CARD_SOCKET)
	@$(BIN)/lockstep-card $(CARD_SOCKET) --mib 16 & trap "kill $$!" EXIT; \
	  for _ in {1..100}; do [[ -S $(CARD_SOCKET) ]] && break || sleep 0.1; done; \
	  $(BIN)/examples/encode vfio-user:$(CARD_SOCKET)

# The tool for cards, the device process for a bench without a card, and what clap generates.
lab: .cache/toolchain
	@$(CARGO) build --quiet $(ONE_SET) --bin lockstep-lab --bin lockstep-card
	@mkdir -p $(TARGET)/lab/man && $(BIN)/lockstep-lab man $(TARGET)/lab/man
	@for shell in bash zsh fish; do \
	  $(BIN)/lockstep-lab completions $$shell >$(TARGET)/lab/lockstep-lab.$$shell; done
	@echo "$(BIN)/lockstep-lab; manual pages and completions in $(TARGET)/lab"

web: model modules $(HOST) $(WEB)/.made $(DEMO_PACK)
	@$(WITH_DAEMON) node wasm-module/web/serve.mjs \
	  --built $(WEB) --model $(MODEL) --port $(WEB_PORT) --daemon
