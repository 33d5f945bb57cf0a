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

# For ours: linked in, so that they start fast and need no library of ours.
noinst_LTLIBRARIES += %D%/libhf-function.la
%C%_libhf_function_la_SOURCES = $(HF_FUNCTION_SOURCES)
%C%_libhf_function_la_CPPFLAGS = $(HF_FUNCTION_CPPFLAGS)
HF_FUNCTION_LIBS = %D%/libhf-function.la $(HF_GRPC_LIBS)
HF_FUNCTION_LINK = $(AM_LDFLAGS) -Wl,--as-needed -Wl,-z,now

$(%C%_libhf_function_la_OBJECTS): | $(HF_PROTO_H)

function_PROGRAMS += \
    %D%/crash/crash \
    %D%/echo/echo \
    %D%/grpc-proxy-greeter/grpc-proxy-greeter \
    %D%/hello/hello \
    %D%/sleep/sleep

%C%_crash_crash_SOURCES = %D%/crash/crash.c
%C%_crash_crash_CPPFLAGS = $(HF_FUNCTION_CPPFLAGS)
%C%_crash_crash_LDFLAGS = $(HF_FUNCTION_LINK)
%C%_crash_crash_LDADD = $(HF_FUNCTION_LIBS)
$(%C%_crash_crash_OBJECTS): | $(HF_PROTO_H)

%C%_echo_echo_SOURCES = %D%/echo/echo.c
%C%_echo_echo_CPPFLAGS = $(HF_FUNCTION_CPPFLAGS)
%C%_echo_echo_LDFLAGS = $(HF_FUNCTION_LINK)
%C%_echo_echo_LDADD = $(HF_FUNCTION_LIBS)
$(%C%_echo_echo_OBJECTS): | $(HF_PROTO_H)

%C%_grpc_proxy_greeter_grpc_proxy_greeter_SOURCES = %D%/grpc-proxy-greeter/grpc-proxy-greeter.c
%C%_grpc_proxy_greeter_grpc_proxy_greeter_CPPFLAGS = $(HF_FUNCTION_CPPFLAGS)
%C%_grpc_proxy_greeter_grpc_proxy_greeter_LDFLAGS = $(HF_FUNCTION_LINK)
%C%_grpc_proxy_greeter_grpc_proxy_greeter_LDADD = $(HF_FUNCTION_LIBS)
$(%C%_grpc_proxy_greeter_grpc_proxy_greeter_OBJECTS): | $(HF_PROTO_H)

%C%_hello_hello_SOURCES = %D%/hello/hello.c
%C%_hello_hello_CPPFLAGS = $(HF_FUNCTION_CPPFLAGS)
%C%_hello_hello_LDFLAGS = $(HF_FUNCTION_LINK)
%C%_hello_hello_LDADD = $(HF_FUNCTION_LIBS)
$(%C%_hello_hello_OBJECTS): | $(HF_PROTO_H)

%C%_sleep_sleep_SOURCES = %D%/sleep/sleep.c
%C%_sleep_sleep_CPPFLAGS = $(HF_FUNCTION_CPPFLAGS)
%C%_sleep_sleep_LDFLAGS = $(HF_FUNCTION_LINK)
%C%_sleep_sleep_LDADD = $(HF_FUNCTION_LIBS)
$(%C%_sleep_sleep_OBJECTS): | $(HF_PROTO_H)

# For the tests: every kind of method.
check_PROGRAMS += %D%/tests/kinds
%C%_tests_kinds_SOURCES = %D%/tests/kinds.c
%C%_tests_kinds_CPPFLAGS = $(HF_FUNCTION_CPPFLAGS)
%C%_tests_kinds_LDFLAGS = $(HF_FUNCTION_LINK)
%C%_tests_kinds_LDADD = $(HF_FUNCTION_LIBS)

FUNCTION_TESTS = tests/e2e/05-functions.py
dist_check_SCRIPTS += $(FUNCTION_TESTS)
TESTS += $(FUNCTION_TESTS)
EXTRA_DIST += %D%/README.md

# make static-functions: the same in functions/static/, without any shared library, for
# images that contain nothing else.
STATIC_FUNCTIONS = \
    %D%/static/crash \
    %D%/static/echo \
    %D%/static/grpc-proxy-greeter \
    %D%/static/hello \
    %D%/static/sleep

$(STATIC_FUNCTIONS): $(function_PROGRAMS)
	@$(MKDIR_P) $(@D)
	$(AM_V_CCLD)$(LIBTOOL) $(AM_V_lt) --tag=CC --mode=link $(CCLD) $(AM_CFLAGS) $(CFLAGS) \
	    -all-static $(LDFLAGS) -o $@ %D%/$(@F)/$(@F)-$(@F).$(OBJEXT) $(HF_FUNCTION_LIBS) $(LIBS)
static-functions: $(STATIC_FUNCTIONS)
.PHONY: static-functions
CLEANFILES += $(STATIC_FUNCTIONS)

# pkg-config finds the library.
pkgconfig_DATA += %D%/hyperfaas-function.pc
EXTRA_DIST += %D%/hyperfaas-function.pc.in
CLEANFILES += %D%/hyperfaas-function.pc

%D%/hyperfaas-function.pc: %D%/hyperfaas-function.pc.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) -e 's|@prefix[@]|$(prefix)|' \
	    -e 's|@exec_prefix[@]|$(exec_prefix)|' -e 's|@includedir[@]|$(includedir)|' \
	    -e 's|@libdir[@]|$(libdir)|' -e 's|@PACKAGE_VERSION[@]|$(PACKAGE_VERSION)|' \
	    $(srcdir)/%D%/hyperfaas-function.pc.in > $@
