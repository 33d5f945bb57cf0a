/*
 * test-http.c - the HTTP client against a real server: answers as they should be, and not.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fault.h"
#include "http-driver.h"

/* --- answers that are as they should be --------------------------------------------------- */

static void
a_request_arrives_as_it_was_sent(void)
{
    struct seen seen = { 0 };
    struct bench b;
    const char *headers;

    begin(&b, NULL);
    seen.http = b.http;
    collect(&seen, "POST", b.server.url, "some body");
    headers = hf_text_str(&http_await(&b.server, 1)->headers);
    UNIT_CONTAINS(headers, "POST / HTTP/1.1\r\n");
    UNIT_CONTAINS(headers, "X-Test: yes\r\n");
    UNIT_CONTAINS(headers, "Content-Type: text/plain\r\n");
    UNIT_CONTAINS(headers, "Content-Length: 9\r\n");
    CU_ASSERT_PTR_NULL(strstr(headers, "Expect"));
    CU_ASSERT_PTR_NULL(strstr(headers, "Upgrade"));
    UNIT_STR(hf_text_str(&b.server.last->body), "some body");
    http_reply(b.server.last, "201 Created", "the answer");
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, 0);
    UNIT_U64(seen.final_status, 201);
    UNIT_U64(seen.sent, 1);
    UNIT_STR(seen.message, "");
    UNIT_STR(seen.mark, "seen");
    UNIT_STR(hf_text_str(&seen.data), "the answer");
    hf_text_fini(&seen.data);
    end(&b);
}

static void
methods_with_and_without_body(void)
{
    static const char *const methods[] = { "GET", "HEAD", "DELETE", "POST", "PUT" };
    struct bench b;

    begin(&b, NULL);
    for (uint32_t i = 0; i < hf_countof(methods); i++) {
        struct seen seen = { .http = b.http };
        struct http_conn *conn;

        collect(&seen, methods[i], b.server.url, NULL);
        conn = http_await(&b.server, i + 1);
        CU_ASSERT_EQUAL(strncmp(hf_text_str(&conn->headers), methods[i], strlen(methods[i])), 0);
        CU_ASSERT_EQUAL(!strstr(hf_text_str(&conn->headers), "Content-Length: 0"), i < 3);
        http_write(conn, "HTTP/1.1 204 No Content\r\n\r\n", 27);
        await(&b, is_done, &seen);
        UNIT_INT(seen.code, 0);
        UNIT_U64(seen.final_status, 204);
    }
    UNIT_U64(b.server.n_accepted, 1); /* kept open */
    end(&b);
}

/* However the bytes of a chunked answer are cut, the same comes out. */
static void
a_chunked_stream_cut_anywhere(void)
{
    static const char bytes[] = "HTTP/1.1 100 Continue\r\n\r\n"
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Mark: a\r\n\r\n"
                                "4\r\n{}\n{\r\nA\r\n}\nthe rest\r\n0\r\nX-Trailer: t\r\n\r\n";
    struct bench b;

    begin(&b, NULL);
    for (uint32_t cut = 1; cut < sizeof bytes - 1; cut++) {
        struct seen seen = { .http = b.http };
        struct http_conn *conn;

        get(&seen, b.server.url);
        conn = http_await(&b.server, cut);
        http_write(conn, bytes, cut);
        hf_loop_run_until(b.loop, is_done, &seen, HF_MSEC); /* it reads the first part */
        CU_ASSERT_EQUAL(seen.n_done, 0);
        http_write(conn, bytes + cut, sizeof bytes - 1 - cut);
        await(&b, is_done, &seen);
        UNIT_INT(seen.code, 0);
        UNIT_U64(seen.n_headers, 1);
        UNIT_U64(seen.status, 200);
        UNIT_STR(seen.mark, "a");
        UNIT_STR(hf_text_str(&seen.data), "{}\n{}\nthe rest");
        hf_text_fini(&seen.data);
    }
    UNIT_U64(b.server.n_accepted, 1);
    end(&b);
}

static void
a_unix_socket(void)
{
    struct seen seen = { 0 };
    char path[128];
    struct bench b;

    begin(&b, NULL);
    http_server_fini(&b.server);
    snprintf(path, sizeof path, "%s/engine.sock", unit_folder());
    http_server_init(&b.server, b.loop, path, answer_with_body);
    seen.http = client(&b, 0, path);
    collect(&seen, "POST", "http://whatever/v1/x", "over a socket");
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, 0);
    UNIT_STR(hf_text_str(&seen.data), "over a socket");
    hf_text_fini(&seen.data);
    hf_http_free(seen.http);

    seen = (struct seen){ .http = client(&b, 0, "/nowhere/engine.sock") };
    collect(&seen, "GET", "http://whatever/v1/x", NULL);
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, HF_EUNAVAILABLE);
    UNIT_U64(seen.sent, 0);
    UNIT_CONTAINS(seen.message, "/nowhere/engine.sock");
    UNIT_CONTAINS(seen.message, "No such file");
    hf_http_free(seen.http);
    end(&b);
}

static void
proxies_of_the_environment_are_not_asked(void)
{
    struct seen seen = { 0 };
    struct bench b;

    begin(&b, answer_with_body);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    seen.http = b.http;
    collect(&seen, "POST", b.server.url, "direct");
    await(&b, is_done, &seen);
    unsetenv("http_proxy");
    UNIT_INT(seen.code, 0);
    UNIT_STR(hf_text_str(&seen.data), "direct");
    hf_text_fini(&seen.data);
    end(&b);
}

/* --- answers that are not ----------------------------------------------------------------- */

/* The server sends `bytes`, then closes or resets. */
static void
breaks_off(const char *bytes, bool reset, const char *expected_data)
{
    struct seen seen = { 0 };
    struct http_conn *conn;
    struct bench b;

    begin(&b, NULL);
    seen.http = b.http;
    CU_ASSERT_EQUAL(send_request(&seen, &streaming, "POST", b.server.url, "body", LIMIT, 0), 0);
    conn = http_await(&b.server, 1);
    http_write(conn, bytes, strlen(bytes));
    if (*expected_data) {
        await(&b, has_data, &seen);
    }
    (reset ? http_reset : http_close)(conn);
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, HF_EUNAVAILABLE);
    UNIT_U64(seen.sent, 1);
    UNIT_U64(seen.n_done, 1);
    CU_ASSERT_TRUE(strlen(seen.message) > 0);
    UNIT_STR(hf_text_str(&seen.data), expected_data);
    UNIT_U64(b.server.n_requests, 1); /* not repeated */
    hf_text_fini(&seen.data);
    end(&b);
}

static void
an_answer_that_breaks_off_is_a_loss(void)
{
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    static const char chunk[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";

    breaks_off("", false, "");
    breaks_off("", true, "");
    breaks_off("HTTP/1.1 200 OK\r\nContent-Le", false, "");
    breaks_off(half, false, "half");
    breaks_off(half, true, "half");
    breaks_off(chunk, false, "half");
    breaks_off(chunk, true, "half");
}

static void
garbage_is_not_an_answer(void)
{
    struct seen seen = { 0 };
    struct bench b;

    begin(&b, NULL);
    seen.http = b.http;
    get(&seen, b.server.url);
    http_write(http_await(&b.server, 1), "220 mail.example ESMTP\r\n", 24);
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, HF_EUNAVAILABLE);
    CU_ASSERT_EQUAL(seen.n_headers + seen.n_data, 0);
    end(&b);
}

static void
nobody_listens(void)
{
    struct seen seen = { 0 };
    struct bench b;

    begin(&b, NULL);
    seen.http = b.http;
    http_server_fini(&b.server);
    get(&seen, b.server.url);
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, HF_EUNAVAILABLE);
    UNIT_U64(seen.sent, 0);
    UNIT_CONTAINS(seen.message, b.server.url + strlen("http://"));
    UNIT_CONTAINS(seen.message, "refused");
    end(&b);
}

static void
a_fault_refuses_requests(void)
{
    struct seen seen = { 0 };
    struct bench b;
    struct hf_err err = HF_ERR_INIT;
    struct hf_host_http_request request = { .size = sizeof request, .method = "GET" };

    begin(&b, NULL);
    seen.http = b.http;
    request.url = b.server.url;
    CU_ASSERT_EQUAL_FATAL(hf_fault_set("http", "count 1", NULL), 0);
    UNIT_INT(hf_http_send(b.http, &request, NULL, NULL, NULL, &err), HF_EUNAVAILABLE);
    UNIT_STR(err.message, "fault http is set");
    get(&seen, b.server.url); /* the next one is sent */
    http_reply(http_await(&b.server, 1), "200 OK", "");
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, 0);
    UNIT_U64(b.server.n_accepted, 1);
    end(&b);
}

static void
a_stalled_answer_times_out(void)
{
    struct seen seen = { 0 };
    struct bench b;

    begin(&b, NULL);
    seen.http = b.http;
    CU_ASSERT_EQUAL(send_request(&seen, &collecting, "POST", b.server.url, "x", 30 * HF_MSEC, 0),
                    0);
    http_await(&b.server, 1);
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, HF_ETIMEOUT);
    UNIT_U64(seen.sent, 1);
    UNIT_CONTAINS(seen.message, "no answer within 0.03 s");
    await_closed(&b);

    seen = (struct seen){ .http = b.http };
    CU_ASSERT_EQUAL(send_request(&seen, &streaming, "GET", b.server.url, NULL, 50 * HF_MSEC, 0), 0);
    http_write(http_await(&b.server, 2), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha", 40);
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, HF_ETIMEOUT);
    UNIT_U64(seen.final_status, 200);
    UNIT_CONTAINS(seen.message, "no end of the answer");
    UNIT_STR(hf_text_str(&seen.data), "ha");
    hf_text_fini(&seen.data);
    end(&b);
}

static void
an_answer_may_be_too_large(void)
{
    struct seen seen = { 0 };
    struct bench b;

    begin(&b, answer_with_body);
    seen.http = b.http;
    CU_ASSERT_EQUAL(send_request(&seen, &collecting, "POST", b.server.url, "12345678", LIMIT, 8),
                    0);
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, 0);
    hf_text_fini(&seen.data);

    seen = (struct seen){ .http = b.http };
    CU_ASSERT_EQUAL(send_request(&seen, &collecting, "POST", b.server.url, "123456789", LIMIT, 8),
                    0);
    await(&b, is_done, &seen);
    UNIT_INT(seen.code, HF_EFULL);
    UNIT_U64(seen.final_status, 200);
    UNIT_CONTAINS(seen.message, "larger than 8 bytes");
    hf_text_fini(&seen.data);
    end(&b);
}

static void
nonsense_is_refused_at_once(void)
{
    static const char *const urls[] = {
        "", "localhost", "ftp://localhost/", "file:///etc/passwd", "http://", "http:///path"
    };
    static const char *const lines[] = { "X: a\r\nY: b", NULL };
    struct hf_host_http_request request = {
        .size = sizeof request, .method = "GET", .url = "http://localhost/", .headers = lines
    };
    struct hf_host_http_options options = { .size = sizeof options, .ca_file = "/nowhere/ca.pem" };
    struct hf_host_http *none;
    struct hf_err err = HF_ERR_INIT;
    struct bench b;

    begin(&b, NULL);
    for (size_t i = 0; i < hf_countof(urls); i++) {
        struct seen seen = { .http = b.http };

        UNIT_INT(send_request(&seen, &streaming, "GET", urls[i], NULL, LIMIT, 0), HF_EINVALID);
    }
    UNIT_INT(hf_http_send(b.http, &request, &streaming, NULL, NULL, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "header");
    UNIT_INT(hf_http_new(b.loop, &options, &none, &err), HF_EINVALID);
    UNIT_CONTAINS(err.message, "/nowhere/ca.pem");
    options = (struct hf_host_http_options){ .size = sizeof options, .cert_file = "/dev/null" };
    UNIT_INT(hf_http_new(b.loop, &options, &none, &err), HF_EINVALID);
    end(&b);
}

UNIT_MAIN("http", UNIT_TEST(a_request_arrives_as_it_was_sent),
          UNIT_TEST(methods_with_and_without_body), UNIT_TEST(a_chunked_stream_cut_anywhere),
          UNIT_TEST(a_unix_socket), UNIT_TEST(proxies_of_the_environment_are_not_asked),
          UNIT_TEST(an_answer_that_breaks_off_is_a_loss), UNIT_TEST(garbage_is_not_an_answer),
          UNIT_TEST(nobody_listens), UNIT_TEST(a_fault_refuses_requests),
          UNIT_TEST(a_stalled_answer_times_out), UNIT_TEST(an_answer_may_be_too_large),
          UNIT_TEST(nonsense_is_refused_at_once))
