# What others install: a Debian package and a container image. Neither needs root.

PACKAGES := $(TARGET)/packages
# The image's C library: packages of this machine's own release, whose library is not older than the
# one that the program was linked with.
BASE     := .cache/image-base

deb: $(HOST)
	@edge-host/deploy/deb.sh $(HOST) $(PACKAGES)

image: $(HOST) $(BASE)/.made
	@python3 edge-host/deploy/image.py $(HOST) $(BASE) $(PACKAGES)/lockstep-edge-host.oci.tar

test-deb: $(HOST) $(TINY)/model/lockstep.json
	@python3 edge-host/deploy/test_deb.py

test-image: image $(TINY)/model/lockstep.json
	@LOCKSTEP_IMAGE_BASE=$(BASE) python3 edge-host/deploy/test_image.py

$(BASE)/.made:
	@mkdir -p $(BASE) && cd $(BASE) && apt-get --quiet --quiet download libc6 libgcc-s1 && touch .made
