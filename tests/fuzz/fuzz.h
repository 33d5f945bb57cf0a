/*
 * fuzz.h - what a fuzz target is.
 *
 * A target takes any bytes and hands them to one parser.  It must neither crash nor leak, and
 * checks what must hold for whatever was accepted.  Built with clang's libFuzzer (configure
 * --enable-fuzzing) it is guided by coverage; otherwise driver.c runs it over its seeds and over
 * what it makes of them.
 */
#ifndef HF_FUZZ_H
#define HF_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : abort())

#endif
