/*
 * analyzer-core.h - what clang's analyzer cannot see in the core; lint.sh includes it first.
 *
 * It looks at one file at a time, so it must be told that these functions of core/base/err.h
 * return the code they are given.
 */
#ifndef HF_TOOLS_ANALYZER_CORE_H
#define HF_TOOLS_ANALYZER_CORE_H

#include "base/err.h"

#define hf_fail(err, code, ...)         (hf_fail(err, code, __VA_ARGS__), (code))
#define hf_err_wrap(err, code, ...)     (hf_err_wrap(err, code, __VA_ARGS__), (code))
#define hf_fail_errno(err, errnum, ...) (hf_fail_errno(err, errnum, __VA_ARGS__), HF_EIO)

#endif
