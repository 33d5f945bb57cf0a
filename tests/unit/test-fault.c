/* test-fault.c - telling places to fail. */
#include <string.h>

#include "base/err.h"
#include "base/fault.h"
#include "base/text.h"
#include "unit.h"

HF_FAULT_POINT(unit_one, "unit.one", "The first place fails.");
HF_FAULT_POINT(unit_two, "unit.two", "The second place fails.");

static struct hf_err err;

/* Ten occasions: 'x' where it failed. */
static const char *
occasions(void)
{
    static char text[11];

    for (int i = 0; i < 10; i++) {
        text[i] = hf_fault(&unit_one) ? 'x' : '.';
    }
    return text;
}

static const char *
set(const char *what)
{
    UNIT_INT(hf_fault_set("unit.one", what, &err), 0);
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
    CU_ASSERT_FALSE(hf_fault(&unit_two));
    hf_fault_clear();
    UNIT_STR(occasions(), "..........");
}

static void
repeats_with_the_seed(void)
{
    char first[11];

    hf_fault_seed(7);
    memcpy(first, set("probability 0.5"), sizeof first);
    hf_fault_seed(7);
    UNIT_STR(set("probability 0.5"), first);
    CU_ASSERT_PTR_NOT_NULL(strchr(first, 'x'));
    CU_ASSERT_PTR_NOT_NULL(strchr(first, '.'));
    hf_fault_clear();
}

static void
refuses_what_it_does_not_know(void)
{
    UNIT_INT(hf_fault_set("unit.three", "always", &err), HF_ENOTFOUND);
    UNIT_STR(err.message, "there is no fault point 'unit.three'; there are: unit.one, unit.two");
    UNIT_INT(hf_fault_set("unit.one", "sometimes", &err), HF_EINVALID);
    UNIT_STR(err.message, "fault point 'unit.one': 'sometimes' is no setting of a fault point; it "
                          "is one of: off, always, probability P, count N, skip N, skip N,M");
    for (const char *const *bad =
             (const char *const[]){ "", "count", "count 0", "count x", "skip 1,0", "skip ,",
                                    "probability 1.1", "probability -1", "always 1", NULL };
         *bad; bad++) {
        UNIT_INT(hf_fault_set("unit.one", *bad, &err), HF_EINVALID);
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
    UNIT_CONTAINS(hf_text_str(&text), "unit.one: count 2, failed ");
    UNIT_CONTAINS(hf_text_str(&text), "unit.two: off, failed 0 times  (The second place fails.)\n");
    hf_fault_clear();
}

UNIT_MAIN("fault", UNIT_TEST(does_what_it_is_told), UNIT_TEST(repeats_with_the_seed),
          UNIT_TEST(refuses_what_it_does_not_know), UNIT_TEST(shows_itself))
