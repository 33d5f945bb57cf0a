/*
 * contract-runtime.h - what every container runtime must do, whoever wrote it.
 *
 * The tests drive a module through its table of operations with the fake host.
 * They ask nothing of the runtime but what runtime.h promises.  A test program
 * of a runtime defines what is declared first, and gives CONTRACT_RUNTIME_TESTS
 * to UNIT_MAIN before its own tests.
 */
#ifndef HF_TESTS_UNIT_CONTRACT_RUNTIME_H
#define HF_TESTS_UNIT_CONTRACT_RUNTIME_H

#include <hyperfaas/plugin.h>

#include "unit.h"

/* The module. */
extern const struct hf_plugin *const contract_runtime_plugin;

/* An image whose instances run until they are stopped. */
extern const char *const contract_runtime_image;

/* Options (fake_options_new()) of a runtime that holds nothing when the running
 * test asks first. */
const char *const *contract_runtime_settings(void);

#define CONTRACT_RUNTIME_LIST(TEST)                                                                \
    TEST(contract_runtime_destroy_nothing)                                                         \
    TEST(contract_runtime_start_and_stop)                                                          \
    TEST(contract_runtime_missing_image)                                                           \
    TEST(contract_runtime_cancel_start)                                                            \
    TEST(contract_runtime_stop_unknown)                                                            \
    TEST(contract_runtime_stop_twice)                                                              \
    TEST(contract_runtime_many)                                                                    \
    TEST(contract_runtime_two_runtimes)                                                            \
    TEST(contract_runtime_destroy_under_way)                                                       \
    TEST(contract_runtime_destroy_running)                                                         \
    TEST(contract_runtime_show)

#define CONTRACT_RUNTIME_DECLARE(name) void name(void);
CONTRACT_RUNTIME_LIST(CONTRACT_RUNTIME_DECLARE)
#undef CONTRACT_RUNTIME_DECLARE

#define CONTRACT_RUNTIME_ENTRY(name) UNIT_TEST(name),
#define CONTRACT_RUNTIME_TESTS       CONTRACT_RUNTIME_LIST(CONTRACT_RUNTIME_ENTRY)

#endif
