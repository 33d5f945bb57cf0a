/*
 * image.c - which file an image tag names, where it is looked for, and why it cannot be run.
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

/* Room for the name of an image without prefix and version. */
#define IMAGE_NAME_SIZE 128

enum {
    LISTED_MAX = 20 /* files named in a message */
};

static bool
is_allowed(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '/';
}

/*
 * Writes the name behind a tag: `hyperfaas-echo:latest`, `echo:latest` and
 * `echo` are all `echo`; any other version stays part of it.  HF_EINVALID for
 * what could leave its folder or cannot be a file.
 */
static int
image_name(const struct hf_host *host, const char *tag, char name[IMAGE_NAME_SIZE],
           struct hf_err *err)
{
    size_t len;
    const char *start = image_stem(tag, &len);

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

/* --- what runs it
 * --------------------------------------------------------------------------------- */

/* When an interpreter is missing, the system says that the file is not there: true of another file
 * than the one that it is said of. */

/* Of the file; an interpreter that is named further behind is not found. */
#define HEAD_SIZE 4096

struct head {
    char bytes[HEAD_SIZE + 1]; /* NUL behind them */
    size_t len;
};

static bool
read_head(const char *path, struct head *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, ret->bytes, HEAD_SIZE, 0);

    if (fd >= 0) {
        close(fd);
    }
    ret->len = n > 0 ? (size_t)n : 0;
    ret->bytes[ret->len] = '\0';
    return n > 0;
}

/* The word behind "#!", without its arguments; cut off in place. */
static const char *
of_script(struct head *head, bool *ret_carriage)
{
    char *line = head->bytes + 2;

    line[strcspn(line, "\n")] = '\0';
    line += strspn(line, " \t");
    line[strcspn(line, " \t")] = '\0';
    *ret_carriage = *line && line[strlen(line) - 1] == '\r';
    return line;
}

/* The loader that a program of this machine's word size names; NULL: none in its head. */
static const char *
of_program(const struct head *head)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;

    if (head->len < sizeof header) {
        return NULL;
    }
    memcpy(&header, head->bytes, sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof segment) {
        return NULL;
    }
    for (size_t i = 0; i < header.e_phnum; i++) {
        if (header.e_phoff > head->len || head->len - header.e_phoff < (i + 1) * sizeof segment) {
            return NULL;
        }
        memcpy(&segment, head->bytes + header.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type == PT_INTERP && segment.p_offset < head->len) {
            return head->bytes + segment.p_offset; /* a NUL comes at the latest behind the head */
        }
    }
    return NULL;
}

void
image_explain_interpreter(const char *path, char *ret, size_t size)
{
    const char *found = NULL;
    struct head head;
    bool is_script, carriage = false;

    *ret = '\0';
    if (!read_head(path, &head)) {
        return;
    }
    is_script = head.len > 2 && memcmp(head.bytes, "#!", 2) == 0;
    if (is_script) {
        found = of_script(&head, &carriage);
    } else if (head.len > SELFMAG && memcmp(head.bytes, ELFMAG, SELFMAG) == 0) {
        found = of_program(&head);
    }
    if (found && carriage) {
        snprintf(ret, size,
                 "its first line ends with a carriage return, as on Windows, which belongs to the "
                 "interpreter's name: %.*s",
                 (int)strcspn(found, "\r"), found);
    } else if (found && access(found, F_OK) == 0) {
        return;
    } else if (found && is_script) {
        snprintf(ret, size, "its interpreter %.200s, which its first line names, is not there",
                 found);
    } else if (found) {
        snprintf(ret, size, "its loader %.200s is not there: it was built for another system",
                 found);
    }
}

/* --- folders
 * -------------------------------------------------------------------------------------- */

/* The path from the folder of the running program; NULL: there is nothing, or no memory. */
static char *
from_program(const char *relative)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    char *path;

    if (len <= 0) {
        return NULL;
    }
    program[len] = '\0';
    *strrchr(program, '/') = '\0';
    if (asprintf(&path, "%s/%s", program, relative) < 0) {
        return NULL;
    }
    if (access(path, F_OK) < 0) {
        free(path);
        return NULL;
    }
    return path;
}

/* The folder of sample functions beside a node that runs from its build tree, to be freed; NULL for
 * an installed node. */
static char *
build_tree_functions(void)
{
    char *mark = from_program("../config.status"); /* configure left it there */
    char *functions = mark ? from_program("../functions") : NULL;

    free(mark);
    return functions;
}

/* The folder of those that were installed, to be freed; NULL: no memory. */
static char *
installed_functions(void)
{
    char *functions = from_program(HF_FUNCTIONS_FROM_BIN);

    return functions ? functions : strdup(HF_FUNCTIONDIR);
}

/* A path that holds wherever an instance starts; a copy, or NULL. */
static char *
absolute(const char *path)
{
    char folder[PATH_MAX], *joined;

    if (*path == '/') {
        return strdup(path);
    }
    if (!getcwd(folder, sizeof folder) || asprintf(&joined, "%s/%s", folder, path) < 0) {
        return NULL;
    }
    return joined;
}

int
image_read_folders(struct hf_runtime *runtime, struct hf_err *err)
{
    const struct hf_host *host = runtime->host;
    size_t n = 0, i;
    bool ok;

    while (host->option_item(runtime->options, "path", n)) {
        n++;
    }
    runtime->folders = calloc(n + 3, sizeof(char *));
    ok = runtime->folders;
    for (i = 0; ok && i < n; i++) {
        runtime->folders[i] = absolute(host->option_item(runtime->options, "path", i));
        ok = runtime->folders[i];
    }
    if (ok && n == 0) {
        runtime->folders[i++] = installed_functions();
        ok = runtime->folders[0];
    }
    if (!ok) {
        return host->fail(err, HF_ENOMEM, "runtime process: out of memory");
    }
    runtime->folders[i] = build_tree_functions();
    return 0;
}
