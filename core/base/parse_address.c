/* parse_address.c - the form of addresses; see parse.h. */
#include "base/parse.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/err.h"

static int
fail_form(const char *text, const char *why, struct hf_err *err)
{
    return hf_fail(err, HF_EINVALID, "'%s' is not an address: %s; write HOST:PORT or [V6]:PORT",
                   text, why);
}

/* Whether `host` is made of what host names, IPv4 and IPv6 addresses consist of. */
static bool
is_host(const char *host, size_t len, bool v6)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

    for (size_t i = 0; i < len; i++) {
        if (!strchr(letters, host[i]) && !(v6 && (host[i] == ':' || host[i] == '%'))) {
            return false;
        }
    }
    return len > 0;
}

int
hf_parse_host_port(const char *text, char *ret_host, size_t size, uint16_t *ret_port,
                   struct hf_err *err)
{
    const char *colon = strrchr(text, ':');
    const char *host = text;
    bool v6 = *text == '[';
    size_t len;
    uint64_t port;

    if (strstr(text, "://")) {
        return fail_form(text, "a scheme does not belong to it", err);
    }
    if (!colon || (v6 && colon[-1] != ']')) {
        return fail_form(text, "it has no port", err);
    }
    len = (size_t)(colon - text);
    if (v6) {
        host++;
        len -= 2;
    } else if (memchr(text, ':', len)) {
        return fail_form(text, "an IPv6 address stands in brackets", err);
    }
    if (len == 0) {
        return fail_form(text, "it has no host (0.0.0.0 means every interface)", err);
    }
    if (!is_host(host, len, v6) || len >= size) {
        return fail_form(text, "its host is not well formed", err);
    }
    if (hf_parse_u64_range(colon + 1, 0, UINT16_MAX, &port, NULL) < 0) {
        return fail_form(text, "its port is not a number from 0 to 65535", err);
    }
    memcpy(ret_host, host, len);
    ret_host[len] = '\0';
    *ret_port = (uint16_t)port;
    return 0;
}

int
hf_parse_address_check(const char *text, struct hf_err *err)
{
    char host[256];
    uint16_t port;
    size_t len;

    if (strncmp(text, "unix:", 5) != 0) {
        return hf_parse_host_port(text, host, sizeof host, &port, err);
    }
    len = strlen(text + 5);
    if (len == 0) {
        return hf_fail(err, HF_EINVALID, "'%s' has no path; write unix:PATH", text);
    }
    if (len >= sizeof((struct sockaddr_un *)0)->sun_path) {
        return hf_fail(err, HF_EINVALID, "'%s': the path of a unix socket has at most %zu bytes",
                       text, sizeof((struct sockaddr_un *)0)->sun_path - 1);
    }
    return 0;
}
