/*
 * fake-json.h - how the fake host judges JSON.
 */
#ifndef HF_TESTS_UNIT_FAKE_JSON_H
#define HF_TESTS_UNIT_FAKE_JSON_H

#include <stddef.h>

/* As `json_check` of struct hf_host. */
int fake_json_check(const char *text, size_t len, char *reason, size_t size);

#endif
