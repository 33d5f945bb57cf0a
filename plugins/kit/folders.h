/*
 * folders.h - folders that a driver keeps things in.
 */
#ifndef HF_KIT_FOLDERS_H
#define HF_KIT_FOLDERS_H

#include <stdbool.h>
#include <sys/types.h>

/* Makes `path` and the folders above it where missing, flushed to disk if `sync`; 0 or -1 with
 * errno. */
int folders_make(const char *path, mode_t mode, bool sync);

#endif
