# Ready configurations, installed as examples: an administrator's own files are never overwritten.

confdir = $(pkgdatadir)/conf
dist_conf_DATA = %D%/standalone.ini %D%/lb.ini %D%/leaf.ini %D%/worker.ini %D%/fake.ini
