/*
 * curl.c - libcurl, opened when it is first needed.
 */
#include "http/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"

#define LIBRARY "libcurl.so.4"
#define PACKAGE "libcurl4"

/* Guards the two below. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct hf_curl curl;
static bool opened;

/* Fills the table; false: a function is missing, and dlerror() says which. */
static bool
find_functions(void *library)
{
    void *function;

#define FIND(name)                                                                                 \
    function = dlsym(library, "curl_" #name);                                                      \
    if (!function) {                                                                               \
        return false;                                                                              \
    }                                                                                              \
    curl.name = (__typeof__(curl.name))function;
    HF_CURL_FUNCTIONS(FIND)
#undef FIND
    return true;
}

/* Mutex held. */
static int
open_library(struct hf_err *err)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        return hf_fail(err, HF_EUNSUPPORTED, "HTTP needs libcurl (Debian package %s): %s", PACKAGE,
                       dlerror());
    }
    if (!find_functions(library)) {
        hf_fail(err, HF_EUNSUPPORTED, "%s is too old (Debian package %s): %s", LIBRARY, PACKAGE,
                dlerror());
        dlclose(library);
        return HF_EUNSUPPORTED;
    }
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        dlclose(library);
        return hf_fail(err, HF_EUNSUPPORTED, "%s cannot be initialised", LIBRARY);
    }
    opened = true;
    return 0;
}

int
hf_curl_open(const struct hf_curl **ret, struct hf_err *err)
{
    int r = 0;

    pthread_mutex_lock(&mutex);
    if (!opened) {
        r = open_library(err);
    }
    pthread_mutex_unlock(&mutex);
    if (r == 0) {
        *ret = &curl;
    }
    return r;
}
