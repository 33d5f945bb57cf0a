/*
 * elf_file.h - whether a file can be a module at all; for module.c.
 */
#ifndef HF_PLUGIN_ELF_FILE_H
#define HF_PLUGIN_ELF_FILE_H

struct hf_err;

/* The dynamic loader maps what a file says to have, and dies when it is not there: so this looks
 * first whether the file is a whole shared object for this machine. */
int hf_elf_file_check(const char *path, struct hf_err *err);

#endif
