# Ready configurations, installed as examples: an administrator's own files are never overwritten.

confdir = $(pkgdatadir)/conf
dist_conf_DATA = %D%/standalone.ini %D%/lb.ini %D%/lb-haproxy.ini %D%/leaf.ini %D%/worker.ini \
    %D%/fake.ini %D%/etcd.ini %D%/leaf-etcd.ini %D%/worker-etcd.ini \
    %D%/worker-docker.ini %D%/worker-docker-etcd.ini

haproxyconfdir = $(confdir)/haproxy
dist_haproxyconf_DATA = %D%/haproxy/one.cfg %D%/haproxy/two.cfg %D%/haproxy/many.cfg \
    %D%/haproxy/spoe.conf
