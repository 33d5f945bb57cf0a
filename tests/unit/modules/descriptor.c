/*
 * descriptor.c - a module whose descriptor is wrong in the ways that the
 * makefile chooses by macros.
 */
#include "lb.h"

#ifndef MAGIC
#define MAGIC HF_PLUGIN_MAGIC
#endif
#ifndef SIZE
#define SIZE sizeof(struct hf_plugin)
#endif
#ifndef MAJOR
#define MAJOR HF_PLUGIN_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR HF_PLUGIN_ABI_MINOR
#endif
#ifndef KIND
#define KIND HF_PLUGIN_LB
#endif
#ifndef OPS
#define OPS &ops
#endif
#ifndef OPTIONS
#define OPTIONS NULL
#endif
#ifndef OPTION_SIZE
#define OPTION_SIZE sizeof(struct hf_option)
#endif

__attribute__((unused)) static const struct hf_lb_ops ops = {
    .size = sizeof ops,
    .create = test_create,
    .destroy = test_destroy,
    .pick = test_pick,
};

__attribute__((unused)) static const struct hf_option bad_default[] = {
    { "limit", HF_OPT_UINT, 0, "many", NULL, NULL, NULL, "How many." },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL },
};

__attribute__((unused)) static const struct hf_option takes_plugin[] = {
    { "plugin", HF_OPT_STRING, 0, NULL, NULL, NULL, NULL, "The section's own key." },
    { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL },
};

/* As built by a later version, whose rows are longer. */
struct long_option {
    struct hf_option option;
    const char *more;
};

__attribute__((unused)) static const struct long_option long_options[] = {
    { { "first", HF_OPT_UINT, 0, "1", NULL, NULL, NULL, "One." }, "x" },
    { { "second", HF_OPT_UINT, 0, "2", NULL, NULL, NULL, "Two." }, "y" },
    { { NULL, 0, 0, NULL, NULL, NULL, NULL, NULL }, NULL },
};

const struct hf_plugin hyperfaas_plugin = {
    MAGIC, SIZE, MAJOR, MINOR, KIND, NAME, "A module for a test.", OPS, OPTIONS, OPTION_SIZE, 0,
};
