/*
 * reflection.c - asks a function for its definitions, by gRPC's server reflection.
 *
 * A server may answer with one file or with all that it imports as well: what is still missing is
 * asked for by name, file after file.
 */
#include "reflection.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/random.h"
#include "client.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/wire.h"

/* What a function may answer: an honest one stays far below. */
#define FILES_MAX 1024
#define SET_MAX   ((size_t)8 << 20)

/* Fields of google/protobuf/descriptor.proto. */
#define SET_FILE        1
#define FILE_NAME       1
#define FILE_DEPENDENCY 3

/* A file that the function has answered with, or that one of those imports. */
struct file {
    struct hf_map_node node;
    struct file *next; /* among those to ask for */
    bool known;
    char name[];
};

struct reflecting {
    const struct cli_reflection *what;
    const char *path; /* of the method: v1, or what it was called before */
    uint64_t deadline_ns;
    struct hf_map files;
    struct file *missing;
    struct hf_text *set;
    bool refused; /* the last question */
    int code;     /* what is wrong with the answer */
    struct hf_err *err;
};

/* --- files -------------------------------------------------------------------------------- */

static struct file *
get_file(struct reflecting *reflecting, const char *name, size_t len)
{
    struct hf_map_node *node = hf_map_find(&reflecting->files, name, len);
    struct file *file;

    if (node) {
        return hf_container_of(node, struct file, node);
    }
    file = hf_map_count(&reflecting->files) < FILES_MAX ? calloc(1, sizeof *file + len + 1) : NULL;
    if (!file) {
        return NULL;
    }
    memcpy(file->name, name, len);
    if (hf_map_add(&reflecting->files, &file->node, file->name, len) < 0) {
        free(file);
        return NULL;
    }
    return file;
}

static void
free_files(struct reflecting *reflecting)
{
    struct hf_map_node *node;

    while ((node = hf_map_pop(&reflecting->files))) {
        free(hf_container_of(node, struct file, node));
    }
    hf_map_fini(&reflecting->files);
}

/* Notes a file that another one imports. */
static bool
need_file(struct reflecting *reflecting, const struct hf_wire_field *name)
{
    size_t before = hf_map_count(&reflecting->files);
    struct file *file = get_file(reflecting, (const char *)name->data, name->len);

    if (file && hf_map_count(&reflecting->files) > before) {
        file->next = reflecting->missing;
        reflecting->missing = file;
    }
    return file;
}

/* Finds the fields with the number in the bytes of a file; false: they are too many. */
static bool
read_names(struct reflecting *reflecting, const ProtobufCBinaryData *bytes, uint32_t number,
           bool (*take)(struct reflecting *, const struct hf_wire_field *))
{
    struct hf_wire_reader reader = { bytes->data, bytes->data + bytes->len };
    struct hf_wire_field field;
    bool good = true;
    int r;

    while (good && (r = hf_wire_next(&reader, &field)) == 1) {
        good = field.number != number || field.type != HF_WIRE_BYTES || take(reflecting, &field);
    }
    return good && r == 0;
}

/* Notes that a file is there. */
static bool
have_file(struct reflecting *reflecting, const struct hf_wire_field *name)
{
    struct file *file = get_file(reflecting, (const char *)name->data, name->len);

    if (!file || file->known) {
        return false;
    }
    file->known = true;
    return true;
}

/* --- answers ------------------------------------------------------------------------------ */

static void
take_file(struct reflecting *reflecting, const ProtobufCBinaryData *bytes)
{
    if (!read_names(reflecting, bytes, FILE_NAME, have_file)) {
        return; /* it came before with another answer; one without name is never asked for */
    }
    hf_wire_put_bytes(reflecting->set, SET_FILE, bytes->data, bytes->len);
    if (!read_names(reflecting, bytes, FILE_DEPENDENCY, need_file)) {
        reflecting->code = hf_fail(reflecting->err, HF_EFULL,
                                   "its definitions import more than %d files", FILES_MAX);
    }
}

static void
on_message(void *arg, const void *message)
{
    struct reflecting *reflecting = arg;
    const Grpc__Reflection__V1__ServerReflectionResponse *response = message;

    if (reflecting->code < 0) {
        return;
    }
    switch (response->message_response_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE:
        for (size_t i = 0; i < response->file_descriptor_response->n_file_descriptor_proto; i++) {
            take_file(reflecting, &response->file_descriptor_response->file_descriptor_proto[i]);
        }
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE:
        reflecting->code =
            hf_fail(reflecting->err, HF_ENOTFOUND, "%s", response->error_response->error_message);
        break;
    default:
        reflecting->code = hf_fail(reflecting->err, HF_EINVALID, "an answer without definitions");
    }
    if (reflecting->set->truncated) {
        reflecting->code = hf_fail(reflecting->err, HF_EFULL,
                                   "its definitions are longer than %zu MiB", SET_MAX >> 20);
    }
}

static bool
is_enough(void *arg)
{
    return ((const struct reflecting *)arg)->code < 0;
}

/* --- asking ------------------------------------------------------------------------------- */

static int
ask(struct reflecting *reflecting, const Grpc__Reflection__V1__ServerReflectionRequest *question)
{
    struct cli_call call = {
        .address = reflecting->what->address,
        .max_message = SET_MAX,
        .request = { .path = reflecting->path,
                     .message = &question->base,
                     .response = &grpc__reflection__v1__server_reflection_response__descriptor,
                     .timeout_ns =
                         hf_max(hf_sub_saturated(reflecting->deadline_ns, hf_now()), (uint64_t)1),
                     .authority = reflecting->what->function },
        .on_message = on_message,
        .is_enough = is_enough,
        .arg = reflecting,
    };
    int r = cli_call(&call, reflecting->err);

    reflecting->refused = call.refused;
    return r < 0 ? r : reflecting->code;
}

/* Asks for the file that defines a service. */
static int
ask_for_service(struct reflecting *reflecting, const char *service)
{
    Grpc__Reflection__V1__ServerReflectionRequest question =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    question.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    question.file_containing_symbol = (char *)(uintptr_t)service; /* only read */
    return ask(reflecting, &question);
}

/* Asks for all files that are imported and have not come. */
static int
ask_for_imports(struct reflecting *reflecting)
{
    int r = 0;

    while (r == 0 && reflecting->missing) {
        Grpc__Reflection__V1__ServerReflectionRequest question =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
        struct file *file = reflecting->missing;

        reflecting->missing = file->next;
        if (!file->known) {
            question.message_request_case =
                GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
            question.file_by_filename = file->name;
            r = ask(reflecting, &question);
        }
    }
    return r;
}

/* The service and its imports, by either version of the protocol. */
static int
ask_for_all(struct reflecting *reflecting, const char *service)
{
    int r;

    reflecting->path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    r = ask_for_service(reflecting, service);
    if (r == HF_EUNSUPPORTED) {
        hf_err_clear(reflecting->err);
        reflecting->path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
        r = ask_for_service(reflecting, service);
    }
    return r < 0 ? r : ask_for_imports(reflecting);
}

int
cli_reflect(const struct cli_reflection *what, struct hf_text *ret_set, bool *ret_refused,
            struct hf_err *err)
{
    const char *full = what->method + (what->method[0] == '/');
    hf_autofree char *service = strndup(full, strcspn(full, "/"));
    struct reflecting reflecting = {
        .what = what,
        .deadline_ns = hf_add_saturated(hf_now(), what->timeout_ns),
        .set = ret_set,
        .err = err,
    };
    int r;

    *ret_refused = false;
    if (!service) {
        return hf_fail(err, HF_ENOMEM, "no memory for reflection");
    }
    ret_set->limit = SET_MAX;
    hf_map_init(&reflecting.files, hf_random_os_u64());
    r = ask_for_all(&reflecting, service);
    free_files(&reflecting);
    *ret_refused = reflecting.refused;
    return r < 0 ? hf_err_wrap(err, r, "asking the function for its definitions") : 0;
}
