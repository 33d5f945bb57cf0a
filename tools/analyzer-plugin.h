/*
 * analyzer-plugin.h - what clang's analyzer cannot see in a module; lint.sh includes it first.
 *
 * `host->fail(err, code, ...)` returns the code it is given; the member itself is left alone.
 */
#ifndef HF_TOOLS_ANALYZER_PLUGIN_H
#define HF_TOOLS_ANALYZER_PLUGIN_H

#define fail(err, code, ...) fail(err, code, __VA_ARGS__) * 0 + (code)

#endif
