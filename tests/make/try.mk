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

web: model modules $(HOST) $(WEB)/.made
	@$(WITH_DAEMON) node wasm-module/web/serve.mjs \
	  --built $(WEB) --model $(MODEL) --port $(WEB_PORT) --daemon
