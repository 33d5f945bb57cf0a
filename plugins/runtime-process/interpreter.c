/*
 * interpreter.c - what runs a program besides the kernel.
 *
 * When it is missing, the system says that the file is not there: true of another file than the
 * one that it is said of.
 */
#include "interpreter.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
interpreter_explain(const char *path, char *ret, size_t size)
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
