/* test-err.c - filling, wrapping and mapping errors. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "unit.h"

static void
fills_code_and_message(void)
{
    struct hf_err err = HF_ERR_INIT;

    UNIT_INT(hf_fail(&err, HF_ENOTFOUND, "file '%s': line %d", "a.ini", 7), HF_ENOTFOUND);
    UNIT_INT(hf_err_code(&err), HF_ENOTFOUND);
    UNIT_STR(hf_err_message(&err), "file 'a.ini': line 7");
}

static void
replaces_what_was_there(void)
{
    struct hf_err err = HF_ERR_INIT;

    hf_fail(&err, HF_EIO, "first");
    hf_fail(&err, HF_EINVALID, "second after %s", err.message);
    UNIT_INT(err.code, HF_EINVALID);
    UNIT_STR(err.message, "second after first");
}

static void
explains_only_if_asked(void)
{
    UNIT_INT(hf_fail(NULL, HF_EFULL, "nobody listens"), HF_EFULL);
    UNIT_INT(hf_fail_errno(NULL, ENOENT, "nobody listens"), HF_ENOTFOUND);
    UNIT_INT(hf_err_wrap(NULL, HF_EIO, "nobody listens"), HF_EIO);
}

static void
puts_context_before(void)
{
    struct hf_err err = HF_ERR_INIT;
    int r = hf_fail(&err, HF_ETIMEOUT, "no answer in 5s");

    UNIT_INT(hf_err_wrap(&err, r, "worker '%s'", "w1"), HF_ETIMEOUT);
    UNIT_STR(err.message, "worker 'w1': no answer in 5s");
    hf_err_clear(&err);
    UNIT_INT(hf_err_wrap(&err, HF_ENOMEM, "arena"), HF_ENOMEM);
    UNIT_STR(err.message, "arena: out-of-memory");
}

static void
appends_the_systems_reason(void)
{
    struct hf_err err = HF_ERR_INIT;

    UNIT_INT(hf_fail_errno(&err, EACCES, "cannot open '%s'", "/x"), HF_EDENIED);
    UNIT_STR(err.message, "cannot open '/x': Permission denied");
    UNIT_INT(hf_fail_errno(&err, ENOTTY, "strange"), HF_EIO);
}

static void
cuts_what_is_too_long(void)
{
    struct hf_err err = HF_ERR_INIT;
    char text[2 * HF_ERR_MESSAGE_MAX];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    hf_fail(&err, HF_EINVALID, "%s", text);
    UNIT_U64(strlen(err.message), HF_ERR_MESSAGE_MAX - 1);
    UNIT_STR(err.message + HF_ERR_MESSAGE_MAX - 5, "x...");
    hf_err_wrap(&err, err.code, "context");
    UNIT_U64(strlen(err.message), HF_ERR_MESSAGE_MAX - 1);
    CU_ASSERT(strncmp(err.message, "context: xxx", 12) == 0);
    UNIT_STR(err.message + HF_ERR_MESSAGE_MAX - 5, "x...");
    hf_fail_errno(&err, EIO, "%s", text);
    UNIT_STR(err.message + HF_ERR_MESSAGE_MAX - 5, "x...");
}

static void
names_every_code(void)
{
#define CHECK(code, value, name, grpc)                                                             \
    UNIT_STR(hf_error_name(code), name);                                                           \
    UNIT_U64(hf_error_to_grpc(code), grpc);
    HF_ERROR_CODES(CHECK)
#undef CHECK
    UNIT_STR(hf_error_name(0), "ok");
    UNIT_STR(hf_error_name(-1000), "unknown");
    UNIT_U64(hf_error_to_grpc(3), 0);
    UNIT_U64(hf_error_to_grpc(-1000), 2);
}

UNIT_MAIN("err", UNIT_TEST(fills_code_and_message), UNIT_TEST(replaces_what_was_there),
          UNIT_TEST(explains_only_if_asked), UNIT_TEST(puts_context_before),
          UNIT_TEST(appends_the_systems_reason), UNIT_TEST(cuts_what_is_too_long),
          UNIT_TEST(names_every_code))
