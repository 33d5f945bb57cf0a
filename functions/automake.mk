# The library that functions are written with, and the sample functions, installed in
# $(functiondir).

HF_FUNCTION_SOURCES = \
    %D%/call.c \
    %D%/hyperfaas-function.h \
    %D%/main.c \
    %D%/ready.c \
    %D%/service.h
HF_FUNCTION_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/%D%

include_HEADERS = %D%/hyperfaas-function.h

# For the functions of others: one shared library that shows only what its header says.
lib_LTLIBRARIES = %D%/libhyperfaas-function.la
%C%_libhyperfaas_function_la_SOURCES =
%C%_libhyperfaas_function_la_LIBADD = %D%/libhf-function.la $(HF_GRPC_LIBS)
%C%_libhyperfaas_function_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 \
    -export-symbols-regex '^hf_(call|function)_'

# The same as an archive, which is what pkg-config names: a function that was linked with it starts
# wherever the platform is installed, and can be copied into an image.
staticlibdir = $(libdir)
staticlib_DATA = %D%/libhyperfaas-function.a
FUNCTION_PARTS = $(sort $(filter %.la,$(HF_FUNCTION_LIBS)))
%D%/libhyperfaas-function.a: $(FUNCTION_PARTS)
	$(AM_V_GEN)rm -f $@ && { echo 'CREATE $@' && for part in $(FUNCTION_PARTS); do \
	    echo "ADDLIB `dirname $$part`/.libs/`basename $$part .la`.a"; done && \
	    echo SAVE && echo END; } | $(AR) -M
	@$(RANLIB) $@
CLEANFILES += %D%/libhyperfaas-function.a

# For ours: linked in, so that they start fast and need no library of ours.
noinst_LTLIBRARIES += %D%/libhf-function.la
%C%_libhf_function_la_SOURCES = $(HF_FUNCTION_SOURCES)
%C%_libhf_function_la_CPPFLAGS = $(HF_FUNCTION_CPPFLAGS)
HF_FUNCTION_LIBS = %D%/libhf-function.la $(HF_GRPC_LIBS)
HF_FUNCTION_LINK = -Wl,--as-needed -Wl,-z,now

$(%C%_libhf_function_la_OBJECTS): | $(HF_PROTO_H)

# The sample functions. Another one is a line in this list and one for its libraries; its source
# is NAME/NAME.c if it does not say otherwise.
function_PROGRAMS += \
    %D%/bfs/bfs \
    %D%/crash/crash \
    %D%/echo/echo \
    %D%/grpc-proxy-greeter/grpc-proxy-greeter \
    %D%/hello/hello \
    %D%/sleep/sleep \
    %D%/thumbnailer/thumbnailer

%C%_bfs_bfs_LDADD = $(HF_FUNCTION_LIBS)
%C%_crash_crash_LDADD = $(HF_FUNCTION_LIBS)
%C%_echo_echo_LDADD = $(HF_FUNCTION_LIBS)
%C%_grpc_proxy_greeter_grpc_proxy_greeter_LDADD = $(HF_FUNCTION_LIBS)
%C%_hello_hello_LDADD = $(HF_FUNCTION_LIBS)
%C%_sleep_sleep_LDADD = $(HF_FUNCTION_LIBS)
%C%_thumbnailer_thumbnailer_LDADD = $(HF_FUNCTION_LIBS) $(JPEG_LIBS)
%C%_thumbnailer_thumbnailer_SOURCES = \
    %D%/thumbnailer/shrink.c \
    %D%/thumbnailer/shrink.h \
    %D%/thumbnailer/thumbnailer.c

# What all of them are built with. As automake writes the names, %C%_sleep_sleep_OBJECTS are the
# objects of sleep.
FUNCTION_NAMES = $(notdir $(function_PROGRAMS))
function_variable = %C%_$(subst -,_,$(1)_$(1))_$(2)
FUNCTION_OBJECTS = $(foreach name,$(FUNCTION_NAMES),$($(call function_variable,$(name),OBJECTS)))

$(function_PROGRAMS): private AM_LDFLAGS += $(HF_FUNCTION_LINK)
$(FUNCTION_OBJECTS): private AM_CPPFLAGS += -I$(srcdir)/%D% $(JPEG_CFLAGS)
$(FUNCTION_OBJECTS): | $(HF_PROTO_H)

# For the tests: every kind of method.
check_PROGRAMS += %D%/tests/kinds
%C%_tests_kinds_SOURCES = %D%/tests/kinds.c
%C%_tests_kinds_CPPFLAGS = $(HF_FUNCTION_CPPFLAGS)
%C%_tests_kinds_LDFLAGS = $(AM_LDFLAGS) $(HF_FUNCTION_LINK)
%C%_tests_kinds_LDADD = $(HF_FUNCTION_LIBS)

FUNCTION_TESTS = tests/e2e/05-functions.py tests/e2e/06-computing.py
IMAGE_TESTS = tests/e2e/87-images.py
dist_check_SCRIPTS += $(FUNCTION_TESTS) $(IMAGE_TESTS)
TESTS += $(FUNCTION_TESTS)
if !HF_SANITIZED # which static executables cannot be
TESTS += $(IMAGE_TESTS)
endif
nobase_dist_doc_DATA += %D%/README.md
examplesdir = $(docdir)/%D%/examples
dist_examples_SCRIPTS = %D%/examples/upper.py

# make static-functions: the same in functions/static/, stripped and without any shared library, for
# images that contain nothing else.
STATIC_FUNCTIONS = $(FUNCTION_NAMES:%=%D%/static/%)

$(STATIC_FUNCTIONS): $(function_PROGRAMS)
	@$(MKDIR_P) $(@D)
	$(AM_V_CCLD)$(LIBTOOL) $(AM_V_lt) --tag=CC --mode=link $(CCLD) $(AM_CFLAGS) $(CFLAGS) \
	    -all-static -s $(LDFLAGS) -o $@ $($(call function_variable,$(@F),OBJECTS)) \
	    $($(call function_variable,$(@F),LDADD)) $(LIBS)
static-functions: $(STATIC_FUNCTIONS)
.PHONY: static-functions

# make images: an image of each, with the Docker engine of this machine or that of DOCKER_HOST.
images: $(STATIC_FUNCTIONS)
	$(srcdir)/%D%/images.sh $(STATIC_FUNCTIONS)
.PHONY: images
EXTRA_DIST += %D%/Dockerfile %D%/images.sh

clean-local: clean-static-functions
clean-static-functions:
	rm -rf %D%/static
.PHONY: clean-static-functions

# pkg-config finds the library; see include/automake.mk.
PC_FILES += %D%/hyperfaas-function.pc.in
EXTRA_DIST += %D%/hyperfaas-function.pc.in
