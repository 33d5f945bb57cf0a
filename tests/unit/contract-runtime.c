/*
 * contract-runtime.c - what every container runtime must do.
 */
#include "contract-runtime.h"

#include <string.h>

#include "runtime-bench.h"

static const uint64_t SECOND = 1000000000;

static void
open_bench(struct runtime_bench *b)
{
    runtime_bench_open(b, contract_runtime_plugin, contract_runtime_settings());
}

/* The number of instances that the runtime says it has. */
static uint32_t
count(struct runtime_bench *b)
{
    struct hf_runtime_stats stats = { .size = sizeof stats };

    b->ops->stats(b->runtime, &stats);
    return stats.instances;
}

void
contract_runtime_destroy_nothing(void)
{
    const struct hf_runtime_ops *ops = contract_runtime_plugin->ops;

    ops->destroy(NULL);
    CU_PASS("harmless");
}

void
contract_runtime_start_and_stop(void)
{
    struct runtime_answer a, listed;
    struct runtime_bench b;

    open_bench(&b);
    CU_ASSERT_EQUAL(runtime_list(&b).infos, 0);
    a = runtime_start(&b, contract_runtime_image);
    UNIT_INT(a.code, 0);
    CU_ASSERT_EQUAL(a.n, 1);
    CU_ASSERT_EQUAL(a.infos, 1);
    CU_ASSERT_TRUE(strlen(a.id) == 12);
    UNIT_CONTAINS(a.name, "hyperfaas-");
    UNIT_CONTAINS(a.internal, ":");
    UNIT_CONTAINS(a.external, ":");
    UNIT_STR(a.function_id, "f");
    UNIT_STR(a.owner_id, "leaf");
    listed = runtime_list(&b);
    CU_ASSERT_EQUAL(listed.infos, 1);
    UNIT_STR(listed.id, a.id);
    UNIT_STR(listed.internal, a.internal);
    UNIT_STR(listed.owner_id, "leaf");
    CU_ASSERT_EQUAL(count(&b), 1);
    UNIT_INT(runtime_stop(&b, a.id, 5 * SECOND).code, 0);
    CU_ASSERT_EQUAL(runtime_list(&b).infos, 0);
    CU_ASSERT_EQUAL(count(&b), 0);
    fake_settle(b.fake, 10);
    CU_ASSERT_EQUAL(b.ends, 0); /* nobody is told of an end that was asked for */
    runtime_bench_close(&b);
}

void
contract_runtime_missing_image(void)
{
    struct runtime_answer a;
    struct runtime_bench b;

    open_bench(&b);
    a = runtime_start(&b, "hyperfaas-no-such-image:latest");
    UNIT_INT(a.code, HF_ENOTFOUND);
    UNIT_CONTAINS(a.message, "no-such-image");
    CU_ASSERT_EQUAL(a.infos, 0);
    CU_ASSERT_EQUAL(count(&b), 0);
    if (b.ops->image_present) {
        CU_ASSERT_FALSE(b.ops->image_present(b.runtime, "hyperfaas-no-such-image:latest"));
        CU_ASSERT_TRUE(b.ops->image_present(b.runtime, contract_runtime_image));
    }
    runtime_bench_close(&b);
}

void
contract_runtime_cancel_start(void)
{
    struct hf_runtime_op *op = NULL;
    struct runtime_answer a;
    struct runtime_bench b;

    open_bench(&b);
    CU_ASSERT_EQUAL_FATAL(runtime_begin(&b, contract_runtime_image, &a, &op, NULL), 0);
    b.ops->cancel(b.runtime, op);
    CU_ASSERT_EQUAL(a.n, 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &a.n, 1));
    UNIT_INT(a.code, HF_ECANCELLED);
    fake_settle(b.fake, 10);
    CU_ASSERT_EQUAL(a.n, 1);
    CU_ASSERT_EQUAL(a.infos, 0);
    CU_ASSERT_EQUAL(runtime_list(&b).infos, 0); /* nothing is left behind */
    CU_ASSERT_EQUAL(count(&b), 0);
    CU_ASSERT_EQUAL(b.ends, 0);
    runtime_bench_close(&b);
}

void
contract_runtime_stop_unknown(void)
{
    struct runtime_bench b;

    open_bench(&b);
    UNIT_INT(runtime_stop(&b, "0123456789ab", SECOND).code, HF_ENOTFOUND);
    UNIT_INT(runtime_stop(&b, "", 0).code, HF_ENOTFOUND);
    UNIT_INT(runtime_stop(&b, "no/such\nthing, and much longer than an id", 0).code, HF_ENOTFOUND);
    runtime_bench_close(&b);
}

void
contract_runtime_stop_twice(void)
{
    struct runtime_answer a, one = { 0 }, two = { 0 };
    struct runtime_bench b;

    open_bench(&b);
    a = runtime_start(&b, contract_runtime_image);
    CU_ASSERT_EQUAL(b.ops->stop(b.runtime, a.id, 5 * SECOND, runtime_on_done, &one, NULL), 0);
    CU_ASSERT_EQUAL(b.ops->stop(b.runtime, a.id, 5 * SECOND, runtime_on_done, &two, NULL), 0);
    CU_ASSERT_TRUE(fake_wait(b.fake, &one.n, 1));
    CU_ASSERT_TRUE(fake_wait(b.fake, &two.n, 1));
    UNIT_INT(one.code, 0);
    CU_ASSERT_TRUE(two.code == 0 || two.code == HF_ENOTFOUND);
    UNIT_INT(runtime_stop(&b, a.id, SECOND).code, HF_ENOTFOUND);
    CU_ASSERT_EQUAL(one.n + two.n, 2);
    runtime_bench_close(&b);
}

void
contract_runtime_many(void)
{
    enum { N = 30 };
    static struct runtime_answer answers[N];
    struct runtime_bench b;

    open_bench(&b);
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_EQUAL_FATAL(runtime_begin(&b, contract_runtime_image, &answers[i], NULL, NULL),
                              0);
    }
    for (size_t i = 0; i < N; i++) {
        CU_ASSERT_TRUE(fake_wait(b.fake, &answers[i].n, 1));
        UNIT_INT(answers[i].code, 0);
        for (size_t j = 0; j < i; j++) {
            CU_ASSERT_STRING_NOT_EQUAL(answers[i].id, answers[j].id);
            CU_ASSERT_STRING_NOT_EQUAL(answers[i].internal, answers[j].internal);
        }
    }
    CU_ASSERT_EQUAL(runtime_list(&b).infos, N);
    CU_ASSERT_EQUAL(count(&b), N);
    for (size_t i = 0; i < N; i += 2) {
        UNIT_INT(runtime_stop(&b, answers[i].id, 0).code, 0);
    }
    CU_ASSERT_EQUAL(runtime_list(&b).infos, N / 2);
    runtime_bench_close(&b);
}

void
contract_runtime_two_runtimes(void)
{
    struct runtime_bench one, two;
    struct runtime_answer a;

    open_bench(&one);
    open_bench(&two);
    a = runtime_start(&one, contract_runtime_image);
    UNIT_INT(a.code, 0);
    UNIT_INT(runtime_start(&two, contract_runtime_image).code, 0);
    CU_ASSERT_EQUAL(runtime_list(&one).infos, 1);
    CU_ASSERT_EQUAL(runtime_list(&two).infos, 1);
    runtime_bench_close(&two);
    CU_ASSERT_EQUAL(runtime_list(&one).infos, 1);
    runtime_bench_close(&one);
}

void
contract_runtime_destroy_under_way(void)
{
    struct runtime_answer starts[8], stopped = { 0 }, listed = { 0 }, missing = { 0 }, a;
    struct runtime_bench b;

    open_bench(&b);
    a = runtime_start(&b, contract_runtime_image);
    for (size_t i = 0; i < 8; i++) {
        CU_ASSERT_EQUAL(runtime_begin(&b, contract_runtime_image, &starts[i], NULL, NULL), 0);
    }
    CU_ASSERT_EQUAL(b.ops->stop(b.runtime, a.id, 5 * SECOND, runtime_on_done, &stopped, NULL), 0);
    CU_ASSERT_EQUAL(b.ops->stop(b.runtime, "no", SECOND, runtime_on_done, &missing, NULL), 0);
    CU_ASSERT_EQUAL(b.ops->list(b.runtime, runtime_on_done, &listed, NULL), 0);
    runtime_bench_close(&b);
    for (size_t i = 0; i < 8; i++) {
        CU_ASSERT_EQUAL(starts[i].n, 1);
        UNIT_INT(starts[i].code, HF_ECANCELLED);
    }
    CU_ASSERT_EQUAL(stopped.n, 1);
    CU_ASSERT_EQUAL(missing.n, 1);
    UNIT_INT(listed.code, HF_ECANCELLED);
    CU_ASSERT_EQUAL(listed.n, 1);
    CU_ASSERT_EQUAL(b.ends, 0);
}

void
contract_runtime_destroy_running(void)
{
    struct runtime_bench b;

    open_bench(&b);
    for (size_t i = 0; i < 3; i++) {
        UNIT_INT(runtime_start(&b, contract_runtime_image).code, 0);
    }
    runtime_bench_close(&b);
    CU_ASSERT_EQUAL(b.ends, 0);
}

void
contract_runtime_show(void)
{
    struct hf_text *text = fake_text_new();
    struct runtime_answer a;
    struct runtime_bench b;

    open_bench(&b);
    a = runtime_start(&b, contract_runtime_image);
    b.ops->show(b.runtime, text);
    UNIT_CONTAINS(fake_text(text), a.id);
    fake_text_free(text);
    runtime_bench_close(&b);
}
