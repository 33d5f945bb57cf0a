# The etcd image: Debian's etcd-server, for machines that pull no image of the etcd project's.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN apt-get update && \
    apt-get install -y --no-install-recommends etcd-server && \
    rm -rf /var/lib/apt/lists/*
VOLUME /var/lib/etcd
EXPOSE 2379
ENTRYPOINT ["etcd", "--data-dir", "/var/lib/etcd"]
