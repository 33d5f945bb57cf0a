# The public headers: all that a plugin may include.

pkginclude_HEADERS = \
    %D%/hyperfaas/error.h \
    %D%/hyperfaas/function.h \
    %D%/hyperfaas/host.h \
    %D%/hyperfaas/lb.h \
    %D%/hyperfaas/option.h \
    %D%/hyperfaas/plugin.h \
    %D%/hyperfaas/runtime.h \
    %D%/hyperfaas/scaler.h \
    %D%/hyperfaas/scheduler.h \
    %D%/hyperfaas/store.h

pkgconfig_DATA = %D%/hyperfaas-plugin.pc
