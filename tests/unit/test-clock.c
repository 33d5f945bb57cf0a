/* test-clock.c - policy time: stopped, pushed, resumed, and never backwards. */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "unit.h"

static void
runs_with_real_time(void)
{
    struct hf_clock clock;
    uint64_t before = hf_now();
    uint64_t shown;

    hf_clock_init(&clock);
    shown = hf_clock_now(&clock);
    CU_ASSERT(shown >= before && shown <= hf_now());
    CU_ASSERT_FALSE(hf_clock_is_stopped(&clock));
    UNIT_U64(hf_clock_until(&clock, before), 0);
    shown = hf_clock_until(&clock, before + 3600 * HF_SEC);
    CU_ASSERT(shown > 3500 * HF_SEC && shown <= 3600 * HF_SEC);
    hf_clock_fini(&clock);
}

static void
stands_and_is_pushed(void)
{
    struct hf_clock clock;
    uint64_t at;

    hf_clock_init(&clock);
    hf_clock_stop(&clock);
    at = hf_clock_now(&clock);
    hf_clock_stop(&clock);
    UNIT_U64(hf_clock_now(&clock), at);
    CU_ASSERT_TRUE(hf_clock_is_stopped(&clock));
    UNIT_U64(hf_clock_until(&clock, at + 1), UINT64_MAX);
    hf_clock_warp(&clock, 300 * HF_SEC);
    UNIT_U64(hf_clock_now(&clock), at + 300 * HF_SEC);
    UNIT_U64(hf_clock_until(&clock, at + 300 * HF_SEC), 0);
    hf_clock_fini(&clock);
}

static void
goes_on_from_where_it_stood(void)
{
    struct hf_clock clock;
    uint64_t at;
    uint64_t shown;

    hf_clock_init(&clock);
    hf_clock_stop(&clock);
    hf_clock_warp(&clock, HF_SEC);
    at = hf_clock_now(&clock);
    hf_clock_resume(&clock);
    hf_clock_resume(&clock);
    shown = hf_clock_now(&clock);
    CU_ASSERT(shown >= at && shown < at + 60 * HF_SEC);
    hf_clock_warp(&clock, 3600 * HF_SEC);
    CU_ASSERT(hf_clock_now(&clock) >= at + 3600 * HF_SEC);
    CU_ASSERT_FALSE(hf_clock_is_stopped(&clock));
    hf_clock_fini(&clock);
}

static void
may_stay_behind_real_time(void)
{
    struct hf_clock clock;
    uint64_t at;

    hf_clock_init(&clock);
    hf_clock_stop(&clock);
    at = hf_clock_now(&clock);
    while (hf_now() < at + 2 * HF_MSEC) {
    }
    hf_clock_resume(&clock);
    CU_ASSERT(hf_clock_now(&clock) < hf_now());
    CU_ASSERT(hf_clock_now(&clock) >= at);
    hf_clock_fini(&clock);
}

struct listener {
    struct hf_clock_listener base;
    int heard;
    uint64_t seen;
};

static void
on_change(struct hf_clock_listener *base, struct hf_clock *clock)
{
    struct listener *listener = hf_container_of(base, struct listener, base);

    listener->heard++;
    listener->seen = hf_clock_now(clock);
}

static void
tells_its_listeners(void)
{
    struct listener listener = { .base.fn = on_change };
    struct hf_clock clock;

    hf_clock_init(&clock);
    hf_clock_listen(&clock, &listener.base);
    hf_clock_stop(&clock);
    UNIT_INT(listener.heard, 1);
    hf_clock_warp(&clock, 5);
    UNIT_INT(listener.heard, 2);
    UNIT_U64(listener.seen, hf_clock_now(&clock));
    hf_clock_resume(&clock);
    UNIT_INT(listener.heard, 3);
    hf_clock_unlisten(&clock, &listener.base);
    hf_clock_stop(&clock);
    UNIT_INT(listener.heard, 3);
    hf_clock_fini(&clock);
}

struct race {
    struct hf_clock clock;
    _Atomic bool done;
    _Atomic int backwards;
};

static void *
watch_clock(void *arg)
{
    struct race *race = arg;
    uint64_t last = 0;

    while (!atomic_load(&race->done)) {
        uint64_t now = hf_clock_now(&race->clock);

        if (now < last) {
            atomic_fetch_add(&race->backwards, 1);
        }
        last = now;
    }
    return NULL;
}

static void
never_goes_backwards(void)
{
    struct race race = { 0 };
    pthread_t threads[2];

    hf_clock_init(&race.clock);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, watch_clock, &race), 0);
    }
    for (int i = 0; i < 20000; i++) {
        hf_clock_stop(&race.clock);
        hf_clock_warp(&race.clock, 1);
        hf_clock_resume(&race.clock);
    }
    atomic_store(&race.done, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    UNIT_INT(atomic_load(&race.backwards), 0);
    hf_clock_fini(&race.clock);
}

static void
writes_timestamps(void)
{
    char text[HF_TIMESTAMP_MAX];

    hf_format_timestamp(0, text);
    UNIT_STR(text, "1970-01-01T00:00:00.000Z");
    hf_format_timestamp(UINT64_C(1767323045678999999), text);
    UNIT_STR(text, "2026-01-02T03:04:05.678Z");
}

UNIT_MAIN("clock", UNIT_TEST(runs_with_real_time), UNIT_TEST(stands_and_is_pushed),
          UNIT_TEST(goes_on_from_where_it_stood), UNIT_TEST(may_stay_behind_real_time),
          UNIT_TEST(tells_its_listeners), UNIT_TEST(never_goes_backwards),
          UNIT_TEST(writes_timestamps))
