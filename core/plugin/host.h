/*
 * host.h - the host as a module sees it: the table of hyperfaas/host.h, filled.
 *
 * Each module has one, under whose name it logs and counts; all its instances
 * share it.  Drivers are given more, which the node puts around this one.
 */
#ifndef HF_PLUGIN_HOST_H
#define HF_PLUGIN_HOST_H

#include <hyperfaas/host.h>

struct hf_err;

/* Makes the host of the module <kind>-<name>; it lives as long as the process. */
int hf_module_host_new(const char *kind, const char *name, const struct hf_host **ret,
                       struct hf_err *err);

/* "<kind>-<name>".  Any thread, also in a signal handler. */
const char *hf_module_host_name(const struct hf_host *host);

#endif
