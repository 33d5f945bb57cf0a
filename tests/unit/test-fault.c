/* test-fault.c - telling places to fail. */
#include <string.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/text.h"
#include "unit.h"

static struct hf_err err;

/* Ten occasions: 'x' where it failed. */
static const char *
occasions(void)
{
    static char text[11];

    for (int i = 0; i < 10; i++) {
        text[i] = hf_fault(HF_FAULT_DIAL) ? 'x' : '.';
    }
    return text;
}

static const char *
set(const char *what)
{
    UNIT_INT(hf_fault_set("dial", what, &err), 0);
    return occasions();
}

static void
does_what_it_is_told(void)
{
    UNIT_STR(occasions(), "..........");
    UNIT_STR(set("always"), "xxxxxxxxxx");
    UNIT_STR(set("off"), "..........");
    UNIT_STR(set("count 3"), "xxx.......");
    UNIT_STR(set("skip 4"), "....xxxxxx");
    UNIT_STR(set("skip 2,1"), "..x.......");
    UNIT_STR(set("probability 0"), "..........");
    UNIT_STR(set("probability 1"), "xxxxxxxxxx");
    CU_ASSERT_FALSE(hf_fault(HF_FAULT_WRITE));
    hf_fault_clear();
    UNIT_STR(occasions(), "..........");
}

static void
leaves_something_to_chance(void)
{
    const char *some = set("probability 0.5");

    CU_ASSERT_PTR_NOT_NULL(strchr(some, 'x'));
    CU_ASSERT_PTR_NOT_NULL(strchr(some, '.'));
    hf_fault_clear();
}

static void
refuses_what_it_does_not_know(void)
{
    UNIT_INT(hf_fault_set("no.such", "always", &err), HF_ENOTFOUND);
    UNIT_STR(err.message, "there is no fault 'no.such'; there are: accept, dial, http, log.write, "
                          "spawn, store.read, stream, worker.start, worker.stop, write");
    UNIT_INT(hf_fault_set("dial", "sometimes", &err), HF_EINVALID);
    UNIT_STR(err.message, "fault 'dial': 'sometimes' is no setting of a fault; it is one of: off, "
                          "always, probability P (between 0 and 1), count N, skip N, skip N,M");
    for (const char *const *bad =
             (const char *const[]){ "", "count", "count 0", "count x", "skip 1,0", "skip ,",
                                    "probability 1.1", "probability -1", "always 1", NULL };
         *bad; bad++) {
        UNIT_INT(hf_fault_set("dial", *bad, &err), HF_EINVALID);
    }
    UNIT_STR(occasions(), "..........");
}

static void
shows_itself(void)
{
    hf_autotext struct hf_text text;

    hf_text_init(&text);
    set("skip 3,9");
    hf_fault_show(&text);
    UNIT_CONTAINS(hf_text_str(&text), "dial: skip 3,9, failed ");
    UNIT_CONTAINS(hf_text_str(&text),
                  "log.write: off, failed 0 times  (Lines of the log cannot be written.)\n");
    hf_fault_clear();
}

UNIT_MAIN("fault", UNIT_TEST(does_what_it_is_told), UNIT_TEST(leaves_something_to_chance),
          UNIT_TEST(refuses_what_it_does_not_know), UNIT_TEST(shows_itself))
