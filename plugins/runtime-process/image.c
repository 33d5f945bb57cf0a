/*
 * image.c - finds the executable of an image tag.
 */
#include "image.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char prefix[] = "hyperfaas-";
static const char suffix[] = ":latest";

enum {
    LISTED_MAX = 20 /* files named in a message */
};

static bool
is_allowed(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '/';
}

int
image_name(const struct hf_host *host, const char *tag, char name[IMAGE_NAME_SIZE],
           struct hf_err *err)
{
    const char *start =
        strncmp(tag, prefix, sizeof prefix - 1) == 0 ? tag + sizeof prefix - 1 : tag;
    size_t len = strlen(start);

    if (len >= sizeof suffix && strcmp(start + len - (sizeof suffix - 1), suffix) == 0) {
        len -= sizeof suffix - 1;
    }
    if (len == 0 || len >= IMAGE_NAME_SIZE || *start == '.' || *start == ':') {
        return host->fail(err, HF_EINVALID, "image '%.128s': names no file", tag);
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_allowed((unsigned char)start[i])) {
            return host->fail(err, HF_EINVALID,
                              "image '%.128s': expected the name of a file, found '%c' in it", tag,
                              start[i] > ' ' && start[i] < 0x7f ? start[i] : '?');
        }
    }
    memcpy(name, start, len);
    name[len] = '\0';
    return 0;
}

/* Appends to a bounded text; what does not fit is left out. */
static void
append(char *text, size_t size, const char *separator, const char *word)
{
    size_t len = strlen(text);

    snprintf(text + len, size - len, "%s%s", len > 0 ? separator : "", word);
}

/* Whether a folder has the file, itself or in a folder of that name; writes its path. */
static bool
find_in(const char *folder, const char *name, char path[PATH_MAX], struct stat *st)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);

    if (n < 0 || n >= PATH_MAX || stat(path, st) != 0) {
        return false;
    }
    if (S_ISDIR(st->st_mode)) {
        n = snprintf(path, PATH_MAX, "%s/%s/%s", folder, name, name);
        return n > 0 && n < PATH_MAX && stat(path, st) == 0;
    }
    return true;
}

/* Names the executables in the folders, for the one who mistyped. */
static void
list_executables(const char *const *folders, char *text, size_t size)
{
    int n = 0;

    *text = '\0';
    for (size_t i = 0; folders[i]; i++) {
        DIR *dir = opendir(folders[i]);
        struct dirent *entry;
        char path[PATH_MAX];
        struct stat st;

        while (dir && n < LISTED_MAX && (entry = readdir(dir))) {
            if (entry->d_name[0] != '.' && find_in(folders[i], entry->d_name, path, &st) &&
                S_ISREG(st.st_mode) && (st.st_mode & 0111)) {
                append(text, size, ", ", entry->d_name);
                n++;
            }
        }
        if (dir) {
            closedir(dir);
        }
    }
    if (n == 0) {
        append(text, size, "", "no executables");
    }
}

static int
not_found(const struct hf_host *host, const char *const *folders, const char *tag, const char *name,
          struct hf_err *err)
{
    char where[1024] = "", there[512];

    for (size_t i = 0; folders[i]; i++) {
        append(where, sizeof where, ", ", folders[i]);
    }
    list_executables(folders, there, sizeof there);
    return host->fail(err, HF_ENOTFOUND,
                      "image '%.128s': no file '%s' in %s (option 'path'); there: %s", tag, name,
                      *where ? where : "any folder", there);
}

int
image_find(const struct hf_host *host, const char *const *folders, const char *tag,
           char path[PATH_MAX], struct hf_err *err)
{
    char name[IMAGE_NAME_SIZE];
    struct stat st;
    int r = image_name(host, tag, name, err);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; folders[i]; i++) {
        if (!find_in(folders[i], name, path, &st)) {
            continue;
        }
        if (!S_ISREG(st.st_mode)) {
            return host->fail(err, HF_EINVALID, "image '%.128s': %s is not a file", tag, path);
        }
        if (access(path, X_OK) != 0) { /* not as the effective user: sandboxes deny faccessat2 */
            return host->fail(err, HF_EDENIED,
                              "image '%.128s': %s cannot be executed: %s (chmod +x?)", tag, path,
                              strerror(errno));
        }
        return 0;
    }
    return not_found(host, folders, tag, name, err);
}
