/*
 * option.h - options as rows of a table.
 *
 * Core and plugins describe what can be configured with the same rows.  The
 * core parses, checks and explains by them: an unknown key, a bad value or one
 * out of range is refused with file, line, key and what would be right.  The
 * same rows yield the sample configuration, the manual and `plugin info`.
 */
#ifndef HYPERFAAS_OPTION_H
#define HYPERFAAS_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a value is written, checked and read back.  Never renumber. */
enum hf_option_type {
    HF_OPT_STRING = 1,   /* any text                          -> string   */
    HF_OPT_BOOL = 2,     /* yes|no|true|false|on|off|1|0       -> u64 0|1  */
    HF_OPT_UINT = 3,     /* decimal digits                     -> u64      */
    HF_OPT_DURATION = 4, /* 90s, 1.5m, 250ms, 10us, 1h, 0      -> u64, ns  */
    HF_OPT_SIZE = 5,     /* 4096, 64KiB, 256MiB, 2GiB, 1MB     -> u64, bytes */
    HF_OPT_DOUBLE = 6,   /* 0.25                               -> double   */
    HF_OPT_ENUM = 7,     /* one word of `choices`              -> string   */
    HF_OPT_ADDRESS = 8,  /* HOST:PORT or [V6]:PORT, unix:PATH  -> string   */
    HF_OPT_LIST = 9,     /* words separated by commas or blanks, or given by
                          * repeating the key; double quotes hold a word
                          * together                           -> strings  */
    HF_OPT_PATH = 10,    /* a file name; relative to the configuration file's
                          * folder                             -> string   */
    HF_OPT_PATHS = 11    /* file names, listed like HF_OPT_LIST, each relative
                          * like HF_OPT_PATH                   -> strings  */
};

/* Flags of a row. */
#define HF_OPT_RELOAD   UINT32_C(0x1) /* may change while running (SIGHUP) */
#define HF_OPT_REQUIRED UINT32_C(0x2) /* has no fallback and must be given */
#define HF_OPT_SECRET   UINT32_C(0x4) /* never shown or logged */

/*
 * One option.  A table ends with a row whose key is NULL.  All texts are
 * static and stay the owner's.
 */
struct hf_option {
    const char *key;      /* lower case with underscores */
    uint32_t type;        /* enum hf_option_type */
    uint32_t flags;       /* HF_OPT_RELOAD ... */
    const char *fallback; /* as it would be written in the file (a list with its
                           * quotes); NULL: unset */
    const char *min;      /* smallest allowed value, as written; NULL: none */
    const char *max;      /* largest allowed value, as written; NULL: none */
    const char *choices;  /* HF_OPT_ENUM: "mem|cpu|run"; else NULL */
    const char *help;     /* one or two sentences */
};

/* The checked values of one section; lives as long as what was created with it. */
struct hf_options;

#ifdef __cplusplus
}
#endif

#endif
