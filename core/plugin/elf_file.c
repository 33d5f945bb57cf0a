/* elf_file.c - the headers of a shared object, read before the loader trusts them; see
 * module_private.h. */
#include "plugin/module_private.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"

/* Our own header, which the linker puts there: what machine this is. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden"))); /* NOLINT: ld's name */

struct elf_file {
    const char *path;
    int fd;
    uint64_t size;
    ElfW(Ehdr) head;
};

static int
fail_cut(const struct elf_file *file, uint64_t needed, struct hf_err *err)
{
    return hf_fail(
        err, HF_EINVALID,
        "module '%s' is cut short: it has %llu bytes and should have at least %llu; copy "
        "or build it anew",
        file->path, (unsigned long long)file->size, (unsigned long long)needed);
}

/* The end of `count` things of `each` bytes from `offset` on; UINT64_MAX if there is none. */
static uint64_t
end_of(uint64_t offset, uint64_t count, uint64_t each)
{
    uint64_t end;

    return __builtin_mul_overflow(count, each, &end) || __builtin_add_overflow(end, offset, &end)
               ? UINT64_MAX
               : end;
}

static int
check_head(struct elf_file *file, struct hf_err *err)
{
    const ElfW(Ehdr) *head = &file->head;
    ssize_t n = pread(file->fd, &file->head, sizeof file->head, 0);

    if (n < 0) {
        return hf_fail_errno(err, errno, "cannot read module '%s'", file->path);
    }
    if (n == 0) {
        return hf_fail(err, HF_EINVALID, "module '%s' is empty", file->path);
    }
    if (memcmp(head->e_ident, ELFMAG, hf_min((size_t)n, (size_t)SELFMAG)) != 0) {
        return hf_fail(err, HF_EINVALID, "'%s' is no module: it is no shared object (ELF)",
                       file->path);
    }
    if ((size_t)n < sizeof *head) {
        return fail_cut(file, sizeof *head, err);
    }
    if (memcmp(head->e_ident, __ehdr_start.e_ident, EI_VERSION + 1) != 0 ||
        head->e_machine != __ehdr_start.e_machine) {
        return hf_fail(err, HF_EUNSUPPORTED,
                       "module '%s' was built for another machine (ELF class %u, machine %u; this "
                       "is class %u, machine %u): build it here",
                       file->path, head->e_ident[EI_CLASS], head->e_machine,
                       __ehdr_start.e_ident[EI_CLASS], __ehdr_start.e_machine);
    }
    if (head->e_type != ET_DYN || head->e_phentsize != sizeof(ElfW(Phdr))) {
        return hf_fail(err, HF_EINVALID,
                       "'%s' is no module: it is no shared object; link it with -shared",
                       file->path);
    }
    return 0;
}

static int
check_segments(const struct elf_file *file, struct hf_err *err)
{
    bool loads = false;
    bool is_dynamic = false;

    for (unsigned int i = 0; i < file->head.e_phnum; i++) {
        ElfW(Phdr) segment;
        uint64_t end = end_of(file->head.e_phoff, i + 1, sizeof segment);

        if (end > file->size || pread(file->fd, &segment, sizeof segment,
                                      (off_t)(end - sizeof segment)) != (ssize_t)sizeof segment) {
            return fail_cut(file, end, err);
        }
        end = end_of(segment.p_offset, 1, segment.p_filesz);
        if (end > file->size && segment.p_type != PT_NULL) {
            return fail_cut(file, end, err);
        }
        loads |= segment.p_type == PT_LOAD;
        is_dynamic |= segment.p_type == PT_DYNAMIC;
    }
    if (!loads || !is_dynamic) {
        return hf_fail(err, HF_EINVALID, "'%s' is no module: nothing in it can be loaded",
                       file->path);
    }
    return 0;
}

static int
check_open(struct elf_file *file, struct hf_err *err)
{
    struct stat st;
    uint64_t end;
    int r;

    if (fstat(file->fd, &st) < 0) {
        return hf_fail_errno(err, errno, "cannot read module '%s'", file->path);
    }
    if (!S_ISREG(st.st_mode)) {
        return hf_fail(err, HF_EINVALID, "module '%s' is not a file", file->path);
    }
    file->size = (uint64_t)st.st_size;
    r = check_head(file, err);
    if (r == 0) {
        r = check_segments(file, err);
    }
    if (r < 0) {
        return r;
    }
    end = end_of(file->head.e_shoff, file->head.e_shnum, file->head.e_shentsize);
    return end > file->size ? fail_cut(file, end, err) : 0; /* these come last in a file */
}

int
hf_elf_file_check(const char *path, struct hf_err *err)
{
    struct elf_file file = { .path = path };
    int r;

    /* A pipe would keep us waiting for its writer. */
    file.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file.fd < 0) {
        return hf_fail_errno(err, errno, "cannot open module '%s'", path);
    }
    r = check_open(&file, err);
    close(file.fd);
    return r;
}
