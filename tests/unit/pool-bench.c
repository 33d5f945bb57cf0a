/* pool-bench.c - a pool under test; see pool-bench.h. */
#include "pool-bench.h"

#include "audit-lb.h"
#include "unit.h"

static const struct hf_function function = { .size = sizeof function, .id = "f", .hash = 7 };

struct hf_pool_settings settings;
struct hf_pool *pool;
struct hf_pool_out out;
uint64_t now;

void
begin(uint32_t max_waiting, uint32_t eject_after)
{
    audit_mode = AUDIT_RANDOM;
    audit_violations = 0;
    audit_added_code = 0;
    now = 1000;
    settings = (struct hf_pool_settings){
        .lb = &audit_lb_ops,
        .max_waiting = max_waiting,
        .eject_after = eject_after,
    };
    CU_ASSERT_EQUAL_FATAL(hf_pool_new(&settings, &function, 1, &pool, NULL), 0);
    hf_pool_out_init(&out);
}

void
end(void)
{
    CU_ASSERT_TRUE(hf_pool_is_cold(pool));
    hf_pool_free(pool);
    UNIT_U64(audit_violations, 0);
}

struct hf_pool_endpoint *
add(const char *id, uint32_t capacity)
{
    struct hf_pool_endpoint_spec spec = { .id = id,
                                          .address = "127.0.0.1:1",
                                          .capacity = capacity };
    struct hf_pool_endpoint *endpoint = NULL;

    CU_ASSERT_EQUAL_FATAL(hf_pool_add(pool, &spec, now, &out, &endpoint), 0);
    return endpoint;
}

struct hf_pool_endpoint *
take_drained(void)
{
    struct hf_pool_endpoint *drained = out.drained;

    out.drained = NULL;
    hf_pool_endpoint_unref(drained);
    return drained;
}

void
drain(struct hf_pool_endpoint *endpoint)
{
    hf_pool_drain(pool, endpoint, &out);
    CU_ASSERT_PTR_EQUAL(take_drained(), endpoint);
}

enum hf_waiter_state
take(struct hf_waiter *waiter)
{
    return hf_pool_take(pool, waiter, now, &out);
}

void
release(struct hf_waiter *waiter, uint32_t outcome)
{
    hf_pool_release(pool, waiter, outcome, now, &out);
}

struct hf_waiter *
woken(void)
{
    struct hf_waiter *waiter = hf_list_first(&out.woken, struct hf_waiter, node);

    if (waiter) {
        hf_list_remove(&waiter->node);
    }
    return waiter;
}

struct hf_pool_load
load(void)
{
    struct hf_pool_load load;

    hf_pool_load(pool, &load);
    return load;
}
