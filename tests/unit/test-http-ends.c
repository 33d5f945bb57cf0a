/*
 * test-http-ends.c - the HTTP client against a real server: exchanges that are cancelled in
 * every phase and from every callback, and connections that are shared, limited and lost.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "http-driver.h"

/* --- ending early
 * ----------------------------------------------------------------------------------- */

static void
cancel_before_it_was_sent(void)
{
    struct seen seen = { 0 };
    struct bench b;

    begin(&b, answer_with_body);
    seen.http = b.http;
    get(&seen, b.server.url);
    hf_http_cancel(seen.exchange);
    CU_ASSERT_FALSE(hf_loop_run_until(b.loop, is_done, &seen, 5 * HF_MSEC));
    UNIT_U64(b.server.n_accepted, 0);
    end(&b);
}

static void
cancel_while_waiting_for_the_answer(void)
{
    struct seen seen = { 0 };
    struct bench b;

    begin(&b, NULL);
    seen.http = b.http;
    get(&seen, b.server.url);
    http_await(&b.server, 1);
    hf_http_cancel(seen.exchange);
    await_closed(&b);
    CU_ASSERT_EQUAL(seen.n_headers + seen.n_data + seen.n_done, 0);
    end(&b);
}

static void
cancel_within_the_body(void)
{
    struct seen seen = { 0 };
    struct bench b;

    begin(&b, NULL);
    seen.http = b.http;
    get(&seen, b.server.url);
    http_write(http_await(&b.server, 1), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha", 40);
    await(&b, has_data, &seen);
    hf_http_cancel(seen.exchange);
    await_closed(&b);
    UNIT_U64(seen.n_done, 0);
    hf_text_fini(&seen.data);
    end(&b);
}

/* Two answers come; the first one's callback does `deed` to itself or to the other. */
static void
deed_in_callback(struct seen *first, struct seen *second)
{
    struct bench b;

    begin(&b, NULL);
    first->http = b.http;
    second->http = b.http;
    first->other = second;
    get(first, b.server.url);
    http_await(&b.server, 1);
    get(second, b.server.url);
    http_await(&b.server, 2);
    while (b.server.n_requests > 0) { /* answer all that came */
        struct http_conn *conn;

        b.server.n_requests = 0;
        HF_LIST_FOR (conn, &b.server.conns, node) {
            http_reply(conn, "200 OK", "data");
        }
        hf_loop_run_until(b.loop, is_done, second, 100 * HF_MSEC);
    }
    if (first->in_headers == FREE_CLIENT || first->in_data == FREE_CLIENT ||
        first->in_done == FREE_CLIENT) {
        await_closed(&b);
        b.http = NULL;
    }
    end(&b);
    hf_text_fini(&first->data);
    hf_text_fini(&second->data);
}

static void
cancel_from_its_own_callbacks(void)
{
    struct seen first = { .in_headers = CANCEL_SELF }, second = { 0 };

    deed_in_callback(&first, &second);
    UNIT_U64(first.n_headers, 1);
    CU_ASSERT_EQUAL(first.n_data + first.n_done, 0);
    UNIT_U64(second.n_done, 1);

    first = (struct seen){ .in_data = CANCEL_SELF };
    second = (struct seen){ 0 };
    deed_in_callback(&first, &second);
    UNIT_U64(first.n_data, 1);
    UNIT_U64(first.n_done, 0);
    UNIT_U64(second.n_done, 1);
}

static void
cancel_another_from_a_callback(void)
{
    const struct seen deeds[] = { { .in_headers = CANCEL_OTHER },
                                  { .in_data = CANCEL_OTHER },
                                  { .in_done = CANCEL_OTHER } };

    for (size_t i = 0; i < hf_countof(deeds); i++) {
        struct seen first = deeds[i], second = { 0 };

        second.in_headers = NOTHING;
        deed_in_callback(&first, &second);
        UNIT_U64(first.n_done, 1);
        UNIT_INT(first.code, 0);
        UNIT_U64(second.n_done, 0);
    }
}

static void
free_the_client_from_a_callback(void)
{
    const struct seen deeds[] = { { .in_headers = FREE_CLIENT },
                                  { .in_data = FREE_CLIENT },
                                  { .in_done = FREE_CLIENT } };

    for (uint32_t i = 0; i < hf_countof(deeds); i++) {
        struct seen first = deeds[i], second = { 0 };

        deed_in_callback(&first, &second);
        UNIT_U64(first.n_done, i == 2);
        UNIT_U64(second.n_done, 0);
    }
}

static void
free_the_client_with_exchanges_under_way(void)
{
    struct seen seen[4] = { 0 };
    struct bench b;

    begin(&b, NULL);
    hf_http_free(b.http);
    b.http = client(&b, 2, NULL);
    for (size_t i = 0; i < 4; i++) { /* two are at work, two wait */
        seen[i].http = b.http;
        get(&seen[i], b.server.url);
    }
    http_await(&b.server, 2);
    hf_http_free(b.http);
    b.http = NULL;
    await_closed(&b);
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(seen[i].n_headers + seen[i].n_done, 0);
    }
    end(&b);
}

static void
send_from_on_done(void)
{
    struct seen second = { 0 }, first = { .in_done = SEND_AGAIN, .other = &second };
    struct bench b;

    begin(&b, answer_with_body);
    first.http = b.http;
    first.url = b.server.url;
    collect(&first, "POST", b.server.url, "one");
    await(&b, is_done, &second);
    UNIT_INT(second.code, 0);
    UNIT_U64(b.server.n_accepted, 1);
    hf_text_fini(&first.data);
    end(&b);
}

/* --- connections
 * ------------------------------------------------------------------------------------ */

static void
many_share_few_connections(void)
{
    enum { N = 200, CONNECTIONS = 3 };
    static struct seen seen[N];
    struct bench b;

    begin(&b, answer_with_body);
    hf_http_free(b.http);
    b.http = client(&b, CONNECTIONS, NULL);
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < N; i++) {
        char body[16];

        snprintf(body, sizeof body, "%zu", i);
        seen[i].http = b.http;
        collect(&seen[i], "POST", b.server.url, body);
    }
    for (size_t i = 0; i < N; i++) {
        char body[16];

        await(&b, is_done, &seen[i]);
        snprintf(body, sizeof body, "%zu", i);
        UNIT_STR(hf_text_str(&seen[i].data), body);
        hf_text_fini(&seen[i].data);
    }
    UNIT_U64(b.server.n_accepted, CONNECTIONS);
    UNIT_U64(b.server.most_open, CONNECTIONS);
    end(&b);
}

/* The limit counts from the beginning, also for one that never got a connection. */
static void
waiting_for_a_connection_is_limited(void)
{
    struct seen first = { 0 }, second = { 0 }, third = { 0 };
    struct bench b;

    begin(&b, NULL);
    hf_http_free(b.http);
    b.http = client(&b, 1, NULL);
    first.http = second.http = third.http = b.http;
    get(&first, b.server.url);
    CU_ASSERT_EQUAL(send_request(&second, &streaming, "GET", b.server.url, NULL, 20 * HF_MSEC, 0),
                    0);
    get(&third, b.server.url);
    await(&b, is_done, &second);
    UNIT_INT(second.code, HF_ETIMEOUT);
    UNIT_U64(second.sent, 0);
    UNIT_CONTAINS(second.message, "no free connection");
    http_await(&b.server, 1);
    hf_http_cancel(first.exchange); /* frees its place */
    http_reply(http_await(&b.server, 2), "200 OK", "");
    await(&b, is_done, &third);
    UNIT_INT(third.code, 0);
    end(&b);
}

/* A connection that the server has closed while it was idle costs nobody an error. */
static void
a_stale_connection_is_replaced(void)
{
    struct seen seen = { 0 };
    struct bench b;

    begin(&b, answer_with_body);
    seen.http = b.http;
    collect(&seen, "POST", b.server.url, "first");
    await(&b, is_done, &seen);
    hf_text_fini(&seen.data);
    http_close(b.server.last);
    seen = (struct seen){ .http = b.http };
    collect(&seen, "POST", b.server.url, "second");
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, 0);
    UNIT_STR(hf_text_str(&seen.data), "second");
    UNIT_U64(b.server.n_accepted, 2);
    hf_text_fini(&seen.data);
    end(&b);
}

static void
close_on_second(struct http_conn *conn)
{
    if (conn->n_requests == 2) {
        http_close(conn);
    } else {
        http_reply(conn, "200 OK", hf_text_str(&conn->body));
    }
}

/* A kept connection dies just as a request arrives.  One without a body is repeated; one with
 * a body, which the server may have acted upon, is not, and the driver hears that. */
static void
a_request_that_may_have_been_seen_is_not_repeated(void)
{
    struct seen seen = { 0 };
    struct bench b;

    begin(&b, close_on_second);
    seen.http = b.http;
    get(&seen, b.server.url);
    await(&b, has_headers, &seen);
    await(&b, is_done, &seen);
    seen = (struct seen){ .http = b.http };
    get(&seen, b.server.url);
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, 0);
    UNIT_U64(b.server.n_requests, 3);

    seen = (struct seen){ .http = b.http };
    collect(&seen, "POST", b.server.url, "a write");
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, HF_EUNAVAILABLE);
    UNIT_U64(seen.sent, 1);
    UNIT_CONTAINS(seen.message, "lost before an answer came");
    UNIT_U64(b.server.n_requests, 4);
    end(&b);
}

UNIT_MAIN("http-ends", UNIT_TEST(cancel_before_it_was_sent),
          UNIT_TEST(cancel_while_waiting_for_the_answer), UNIT_TEST(cancel_within_the_body),
          UNIT_TEST(cancel_from_its_own_callbacks), UNIT_TEST(cancel_another_from_a_callback),
          UNIT_TEST(free_the_client_from_a_callback),
          UNIT_TEST(free_the_client_with_exchanges_under_way), UNIT_TEST(send_from_on_done),
          UNIT_TEST(many_share_few_connections), UNIT_TEST(waiting_for_a_connection_is_limited),
          UNIT_TEST(a_stale_connection_is_replaced),
          UNIT_TEST(a_request_that_may_have_been_seen_is_not_repeated))
