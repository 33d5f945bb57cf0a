/*
 * interpreter.h - what runs a program besides the kernel: the one that a script's first line
 * names, or the loader of a dynamically linked one.
 */
#ifndef HF_RUNTIME_PROCESS_INTERPRETER_H
#define HF_RUNTIME_PROCESS_INTERPRETER_H

#include <stddef.h>

/* Says in words what is missing to run the file: "its interpreter /usr/bin/x, which its first line
 * names, is not there"; "" if its interpreter is there, or it has none. */
void interpreter_explain(const char *path, char *ret, size_t size);

#endif
