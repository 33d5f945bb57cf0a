/* test-module-files.c - files that are no module, and modules that are not whole. */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "plugin/module.h"
#include "unit.h"

static const struct hf_plugin_path no_path = { NULL, 0 };

/* A good module, in memory. */
static char *image;
static size_t image_len;

static void
read_image(void)
{
    const char *build = getenv("HF_BUILDDIR");
    char path[4096];
    struct stat st;
    int fd;

    if (image) {
        return;
    }
    snprintf(path, sizeof path, "%s/tests/unit/modules/.libs/lb-good.so", build ? build : ".");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        CU_FAIL_FATAL("the module is not there");
        return;
    }
    image_len = (size_t)st.st_size;
    image = malloc(image_len);
    CU_ASSERT_EQUAL_FATAL(read(fd, image, image_len), (ssize_t)image_len);
    close(fd);
}

/* A copy of its first bytes, with one of them changed if `at` is among them. */
static const char *
write_copy(size_t len, size_t at, char byte)
{
    static char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/lb-good.so", unit_folder());
    unlink(path);
    file = fopen(path, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fwrite(image, 1, len, file);
    if (at < len) {
        fseek(file, (long)at, SEEK_SET);
        fwrite(&byte, 1, 1, file);
    }
    fclose(file);
    return path;
}

static struct hf_err err;

static const char *
refuse(const char *path)
{
    const struct hf_module *module = NULL;

    hf_err_clear(&err);
    CU_ASSERT(hf_module_load(HF_PLUGIN_LB, path, &no_path, &module, &err) < 0);
    UNIT_CONTAINS(err.message, path);
    return err.message;
}

static void
a_module_cut_anywhere_is_refused(void)
{
    read_image();
    UNIT_CONTAINS(refuse(write_copy(0, SIZE_MAX, 0)), "is empty");
    for (size_t i = 1; i < 100; i++) {
        size_t len = image_len * i / 100;

        UNIT_CONTAINS(refuse(write_copy(len, SIZE_MAX, 0)), "is cut short");
    }
    UNIT_CONTAINS(refuse(write_copy(1, SIZE_MAX, 0)), "is cut short: it has 1 bytes");
    UNIT_CONTAINS(refuse(write_copy(image_len - 1, SIZE_MAX, 0)), "is cut short");
}

static void
a_module_for_another_machine_is_refused(void)
{
    read_image();
    UNIT_CONTAINS(refuse(write_copy(image_len, EI_CLASS, 0)), "another machine");
    UNIT_CONTAINS(refuse(write_copy(image_len, EI_DATA, 7)), "another machine");
    UNIT_CONTAINS(refuse(write_copy(image_len, offsetof(ElfW(Ehdr), e_machine), 99)),
                  "another machine");
    UNIT_CONTAINS(refuse(write_copy(image_len, offsetof(ElfW(Ehdr), e_type), ET_REL)), "-shared");
}

/* Numbers that would lead far behind the end, or around it. */
static void
headers_that_lie_are_refused(void)
{
    static const size_t places[] = {
        offsetof(ElfW(Ehdr), e_phoff) + 7,
        offsetof(ElfW(Ehdr), e_phnum) + 1,
        offsetof(ElfW(Ehdr), e_shoff) + 7,
        sizeof(ElfW(Ehdr)) + offsetof(ElfW(Phdr), p_offset) + 7,
        sizeof(ElfW(Ehdr)) + offsetof(ElfW(Phdr), p_filesz) + 7,
    };

    read_image();
    for (size_t i = 0; i < hf_countof(places); i++) {
        UNIT_CONTAINS(refuse(write_copy(image_len, places[i], (char)0xff)), "is cut short");
    }
    UNIT_CONTAINS(refuse(write_copy(image_len, offsetof(ElfW(Ehdr), e_phnum), 0)),
                  "nothing in it can be loaded");
}

static void
what_is_no_file_is_refused(void)
{
    char path[512];

    UNIT_CONTAINS(refuse(unit_folder()), "is not a file");
    UNIT_CONTAINS(refuse("/dev/zero"), "is not a file");
    UNIT_CONTAINS(refuse(unit_file("lb-text.so", "#!/bin/sh\n")), "is no shared object");
    snprintf(path, sizeof path, "%s/lb-pipe.so", unit_folder());
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
    UNIT_CONTAINS(refuse(path), "is not a file");
    snprintf(path, sizeof path, "%s/lb-loop.so", unit_folder());
    CU_ASSERT_EQUAL(symlink("lb-loop.so", path), 0);
    UNIT_CONTAINS(refuse(path), "symbolic links");
    snprintf(path, sizeof path, "%s/lb-nowhere.so", unit_folder());
    CU_ASSERT_EQUAL(symlink("nothing.so", path), 0);
    UNIT_CONTAINS(refuse(path), "No such file");
}

UNIT_MAIN("module-files", UNIT_TEST(a_module_cut_anywhere_is_refused),
          UNIT_TEST(a_module_for_another_machine_is_refused),
          UNIT_TEST(headers_that_lie_are_refused), UNIT_TEST(what_is_no_file_is_refused))
