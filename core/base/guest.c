/* guest.c - whose code runs; see guest.h. */
#include "base/guest.h"

#include <stdatomic.h>
#include <stdbool.h>

_Thread_local struct hf_guest hf_guest_now;

static const char *(*_Atomic owner_namer)(const void *owner);

void
hf_guest_set_namer(const char *(*namer)(const void *owner))
{
    atomic_store(&owner_namer, namer);
}

const char *
hf_guest_name(const struct hf_guest *guest)
{
    const char *(*namer)(const void *) = atomic_load(&owner_namer);
    const char *name = namer && guest->owner ? namer(guest->owner) : NULL;

    return name ? name : "";
}

static void
copy(char *to, size_t size, const char *from)
{
    size_t len = 0;

    for (; from && from[len] && len + 1 < size; len++) {
        to[len] = from[len];
    }
    to[len] = '\0';
}

void
hf_guest_copy(const struct hf_guest *guest, struct hf_guest_text *ret)
{
    copy(ret->owner, sizeof ret->owner, hf_guest_name(guest));
    copy(ret->operation, sizeof ret->operation, guest->operation);
    copy(ret->subject, sizeof ret->subject, guest->subject);
}

static bool
is_plain(char c)
{
    return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != '=';
}

static size_t
add(char *text, size_t len, size_t size, const char *key, const char *value)
{
    if (!value || !*value) {
        return len;
    }
    for (; *key && len + 1 < size; key++) {
        text[len++] = *key;
    }
    for (; *value && len + 1 < size; value++) {
        text[len++] = '?';
        if (is_plain(*value)) {
            text[len - 1] = *value;
        }
    }
    return len;
}

size_t
hf_guest_describe(const struct hf_guest *guest, char *text, size_t len, size_t size)
{
    if (guest->operation) {
        len = add(text, len, size, " in=", hf_guest_name(guest));
        len = add(text, len, size, " operation=", guest->operation);
        len = add(text, len, size, guest->owner ? " function=" : " file=", guest->subject);
    }
    text[len] = '\0';
    return len;
}
