/* assert.c - where a failed assertion ends; see assert.h. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/macros.h"

_Noreturn void
hf_panic(const char *file, int line, const char *func, const char *what)
{
    char text[512];
    int len = snprintf(text, sizeof text,
                       "%s:%d: %s: assertion failed: %s (a bug in hyperfaas, please report it)\n",
                       file, line, func, what);

    hf_log_emergency(text, hf_min((size_t)len, sizeof text - 1));
    abort();
}
