/*
 * call_form.h - requests and answers as people write them: raw bytes, protobuf's text form, JSON.
 */
#ifndef HF_CLI_CALL_FORM_H
#define HF_CLI_CALL_FORM_H

#include "base/text.h"
#include "proto/schema.h"

enum cli_form {
    CLI_FORM_RAW,  /* the bytes of one message */
    CLI_FORM_TEXT, /* one message */
    CLI_FORM_JSON  /* one document for each message */
};

/* What turns one into the other. */
struct cli_codec {
    enum cli_form form;
    struct hf_text set;        /* the definitions; for CLI_FORM_RAW unused, as what follows */
    struct cli_schema *schema; /* what is in them */
    struct cli_method method;
    uint64_t timeout_ns; /* for protoc */
};

/* Takes the form that `name` says; if that is NULL, the one in which the request is written: JSON
 * begins with a brace, and no message in either other form does.  An empty request may be any. */
int cli_form_choose(const char *name, bool has_proto, const struct hf_text *request,
                    enum cli_form *ret, struct hf_err *err);

/* Reads the definitions in `codec->set`, and finds the method in them. */
int cli_codec_prepare(struct cli_codec *codec, const char *method, struct hf_err *err);
void cli_codec_fini(struct cli_codec *codec);

/* Turns a request into messages, each behind its prefix (grpc/frame.h). */
int cli_codec_encode(const struct cli_codec *codec, const struct hf_text *request,
                     struct hf_text *ret, struct hf_err *err);

/* Appends a message of the answer. */
int cli_codec_decode(const struct cli_codec *codec, const void *data, size_t len,
                     struct hf_text *out, struct hf_err *err);

#endif
