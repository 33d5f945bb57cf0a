# Fuzz targets: one for each parser of bytes from outside; fuzz.h says what a target is.
#
# In any build `make check` runs each over its seeds and some thousand inputs made of them.  In one
# configured with --enable-fuzzing (clang) `make fuzz SECONDS=60` lets coverage guide them; what is found
# on the way stays in fuzz-corpus/.

HF_FUZZ_NAMES = config definitions docker documents etcd frames h2 json spop words
HF_FUZZ_TARGETS = \
    %D%/fuzz-config %D%/fuzz-definitions %D%/fuzz-docker %D%/fuzz-documents %D%/fuzz-etcd \
    %D%/fuzz-frames %D%/fuzz-h2 %D%/fuzz-json %D%/fuzz-spop %D%/fuzz-words
check_PROGRAMS += $(HF_FUZZ_TARGETS)

if HF_FUZZING
HF_FUZZ_DRIVER = %D%/fuzz.h
HF_FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
HF_FUZZ_LIBS =
else
HF_FUZZ_DRIVER = %D%/driver.c %D%/fuzz.h
HF_FUZZ_LINK = $(AM_LDFLAGS)
HF_FUZZ_LIBS = $(HF_BASE_LIBS)
endif

%C%_fuzz_config_SOURCES = %D%/fuzz-config.c $(HF_FUZZ_DRIVER)
%C%_fuzz_config_LDFLAGS = $(HF_FUZZ_LINK)
%C%_fuzz_config_LDADD = $(HF_BASE_LIBS) $(HF_FUZZ_LIBS)
%C%_fuzz_definitions_SOURCES = %D%/fuzz-definitions.c $(HF_FUZZ_DRIVER)
%C%_fuzz_definitions_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_fuzz_definitions_LDFLAGS = $(HF_FUZZ_LINK)
%C%_fuzz_definitions_LDADD = $(CLI_PROTO_LIBS) $(HF_FUZZ_LIBS)
%C%_fuzz_docker_SOURCES = %D%/fuzz-docker.c $(HF_FUZZ_DRIVER) $(HF_DOCKER_LANGUAGE_SOURCES)
%C%_fuzz_docker_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_fuzz_docker_LDFLAGS = $(HF_FUZZ_LINK)
%C%_fuzz_docker_LDADD = $(HF_BASE_LIBS) $(JSON_C_LIBS) $(HF_FUZZ_LIBS)
%C%_fuzz_documents_SOURCES = %D%/fuzz-documents.c $(HF_FUZZ_DRIVER)
%C%_fuzz_documents_LDFLAGS = $(HF_FUZZ_LINK)
%C%_fuzz_documents_LDADD = $(HF_NODE_LIBS) $(HF_FUZZ_LIBS)
%C%_fuzz_etcd_SOURCES = %D%/fuzz-etcd.c $(HF_FUZZ_DRIVER) $(HF_STORE_ETCD_SOURCES)
%C%_fuzz_etcd_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
%C%_fuzz_etcd_LDFLAGS = $(HF_FUZZ_LINK)
%C%_fuzz_etcd_LDADD = $(HF_BASE_LIBS) $(JSON_C_LIBS) $(HF_FUZZ_LIBS)
%C%_fuzz_frames_SOURCES = %D%/fuzz-frames.c $(HF_FUZZ_DRIVER)
%C%_fuzz_frames_LDFLAGS = $(HF_FUZZ_LINK)
%C%_fuzz_frames_LDADD = $(HF_GRPC_LIBS) $(HF_FUZZ_LIBS)
%C%_fuzz_h2_SOURCES = %D%/fuzz-h2.c $(HF_FUZZ_DRIVER)
%C%_fuzz_h2_LDFLAGS = $(HF_FUZZ_LINK)
%C%_fuzz_h2_LDADD = $(HF_H2_LIBS) $(HF_FUZZ_LIBS)
%C%_fuzz_json_SOURCES = %D%/fuzz-json.c $(HF_FUZZ_DRIVER)
%C%_fuzz_json_LDFLAGS = $(HF_FUZZ_LINK)
%C%_fuzz_json_LDADD = $(HF_BASE_LIBS) $(JSON_C_LIBS) $(HF_FUZZ_LIBS)
%C%_fuzz_spop_SOURCES = %D%/fuzz-spop.c $(HF_FUZZ_DRIVER)
%C%_fuzz_spop_LDFLAGS = $(HF_FUZZ_LINK)
%C%_fuzz_spop_LDADD = $(HF_SPOP_LIBS) $(HF_FUZZ_LIBS)
%C%_fuzz_words_SOURCES = %D%/fuzz-words.c $(HF_FUZZ_DRIVER)
%C%_fuzz_words_LDFLAGS = $(HF_FUZZ_LINK)
%C%_fuzz_words_LDADD = $(HF_CTL_LIBS) $(HF_FUZZ_LIBS)

TESTS += %D%/seeds.sh
EXTRA_DIST += %D%/seeds.sh %D%/fuzz.sh %D%/seeds

# Each target for so long; what is found lies in the build folder as crash-*.
fuzz: $(BUILT_SOURCES) $(HF_FUZZ_TARGETS)
	@HF_SRCDIR='$(abs_top_srcdir)' $(srcdir)/%D%/fuzz.sh '$(SECONDS)' $(HF_FUZZ_NAMES)
clean-local: clean-fuzz
clean-fuzz:
	rm -rf fuzz-corpus crash-fuzz-* leak-* timeout-*
.PHONY: fuzz clean-fuzz
