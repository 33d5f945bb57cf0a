/*
 * contract-store.h - what every metadata store must do, whoever wrote it.
 *
 * The tests drive a module through its table of operations with the fake host.
 * They ask nothing of the store but what store.h promises.  A test program of
 * a store defines what is declared first, and gives CONTRACT_STORE_TESTS to
 * UNIT_MAIN before its own tests.
 */
#ifndef HF_TESTS_UNIT_CONTRACT_STORE_H
#define HF_TESTS_UNIT_CONTRACT_STORE_H

#include <hyperfaas/plugin.h>

#include "unit.h"

/* The module. */
extern const struct hf_plugin *const contract_store_plugin;

/* Options (fake_options_new()) of a store that is empty when the running test
 * asks first, and the same one when it asks again. */
const char *const *contract_store_settings(void);

#define CONTRACT_STORE_LIST(TEST)                                                                  \
    TEST(contract_store_destroy_nothing)                                                           \
    TEST(contract_store_put_get_remove)                                                            \
    TEST(contract_store_copies)                                                                    \
    TEST(contract_store_conditions)                                                                \
    TEST(contract_store_revisions_grow)                                                            \
    TEST(contract_store_odd_ids)                                                                   \
    TEST(contract_store_refusals)                                                                  \
    TEST(contract_store_spaces_are_apart)                                                          \
    TEST(contract_store_watch)                                                                     \
    TEST(contract_store_two_watches)                                                               \
    TEST(contract_store_cancel)                                                                    \
    TEST(contract_store_short_timeouts)                                                            \
    TEST(contract_store_destroy_under_way)                                                         \
    TEST(contract_store_compare_and_swap)                                                          \
    TEST(contract_store_long_documents)                                                            \
    TEST(contract_store_one_revision)                                                              \
    TEST(contract_store_many)                                                                      \
    TEST(contract_store_announce)                                                                  \
    TEST(contract_store_announce_and_destroy)                                                      \
    TEST(contract_store_announce_again)                                                            \
    TEST(contract_store_show)

#define CONTRACT_STORE_DECLARE(name) void name(void);
CONTRACT_STORE_LIST(CONTRACT_STORE_DECLARE)
#undef CONTRACT_STORE_DECLARE

#define CONTRACT_STORE_ENTRY(name) UNIT_TEST(name),
#define CONTRACT_STORE_TESTS       CONTRACT_STORE_LIST(CONTRACT_STORE_ENTRY)

/* For stores that another process can reach while the test runs. */
void contract_store_announce_and_die(void);

#endif
