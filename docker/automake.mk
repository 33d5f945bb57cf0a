# The platform itself in containers: images of its nodes, and compose files that use them.

NODE_IMAGE = %D%/Dockerfile %D%/packages %D%/lb.ini %D%/leaf.ini %D%/worker.ini
COMPOSE_FILES = %D%/nodes.yaml %D%/compose.small.yaml %D%/compose.medium.yaml %D%/compose.large.yaml
EXTRA_DIST += $(NODE_IMAGE) $(COMPOSE_FILES) %D%/README.md %D%/base.sh %D%/etcd.Dockerfile

# make cluster-images: hyperfaas-node with what `make install` installs, and hyperfaas-etcd.
BASE = debian:bookworm-slim
DOCKER_BUILD = docker build -q --build-arg 'BASE=$(BASE)'

cluster-images: all
	rm -rf %D%/context && $(MKDIR_P) %D%/context
	$(MAKE) $(AM_MAKEFLAGS) install-strip DESTDIR='$(abs_builddir)/%D%/context/root'
	for file in $(NODE_IMAGE); do cp $(srcdir)/$$file %D%/context || exit 1; done
	$(DOCKER_BUILD) --build-arg 'BINDIR=$(bindir)' -t hyperfaas-node:latest %D%/context
	$(DOCKER_BUILD) -t hyperfaas-etcd:latest - < $(srcdir)/%D%/etcd.Dockerfile
	rm -rf %D%/context
.PHONY: cluster-images

clean-local: clean-cluster-images
clean-cluster-images:
	rm -rf %D%/context %D%/base.tar
.PHONY: clean-cluster-images

# Sanitizers need libraries that the images do not have.
COMPOSE_TESTS = tests/e2e/88-compose.py
dist_check_SCRIPTS += $(COMPOSE_TESTS)
if !HF_SANITIZED
TESTS += $(COMPOSE_TESTS)
endif
