/* assert.c - where a failed assertion ends; see assert.h. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void
hf_panic(const char *file, int line, const char *func, const char *what)
{
    fprintf(stderr, "%s:%d: %s: assertion failed: %s (a bug in hyperfaas, please report it)\n",
            file, line, func, what);
    abort();
}
