/*
 * image.h - which file an image tag names.
 */
#ifndef HF_RUNTIME_PROCESS_IMAGE_H
#define HF_RUNTIME_PROCESS_IMAGE_H

#include <limits.h>
#include <stddef.h>

#include <hyperfaas/host.h>

/* Room for the name of an image without prefix and version. */
#define IMAGE_NAME_SIZE 128

/*
 * Writes the name behind a tag: `hyperfaas-echo:latest`, `echo:latest` and
 * `echo` are all `echo`; any other version stays part of it.  HF_EINVALID for
 * what could leave its folder or cannot be a file.
 */
int image_name(const struct hf_host *, const char *tag, char name[IMAGE_NAME_SIZE],
               struct hf_err *err);

/*
 * Finds the executable of a tag in `folders` (NULL-terminated), the first that
 * has it, itself or in a folder of the same name.  Writes its path.
 * HF_ENOTFOUND says where it looked and what is there.
 */
int image_find(const struct hf_host *, const char *const *folders, const char *tag,
               char path[PATH_MAX], struct hf_err *err);

#endif
