/*
 * fuzz-documents.c - the documents of functions and nodes, as they come from a store.
 */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "fuzz.h"
#include "node/function_spec.h"
#include "node/node_document.h"

/* What was read, and written in its canonical form, is read again as the same. */
static void
check_function(const char *data, size_t size)
{
    hf_autospec struct hf_function_spec spec = { 0 };
    hf_autospec struct hf_function_spec again = { 0 };
    hf_autotext struct hf_text first;
    hf_autotext struct hf_text second;

    hf_text_init(&first);
    hf_text_init(&second);
    if (hf_function_spec_parse(data, size, &spec, NULL) < 0) {
        return;
    }
    hf_function_spec_format(&spec, &first);
    FUZZ_CHECK(hf_function_spec_parse(hf_text_str(&first), first.len, &again, NULL) == 0);
    hf_function_spec_format(&again, &second);
    FUZZ_CHECK(strcmp(hf_text_str(&first), hf_text_str(&second)) == 0);
}

static void
check_node(const char *data, size_t size)
{
    struct hf_node_document document;
    struct hf_node_document again;
    hf_autotext struct hf_text first;
    hf_autotext struct hf_text second;

    hf_text_init(&first);
    hf_text_init(&second);
    hf_node_document_init(&document);
    hf_node_document_init(&again);
    if (hf_node_document_parse("node", data, size, &document, NULL) == 0) {
        hf_node_document_format(&document, &first);
        FUZZ_CHECK(hf_node_document_parse("node", hf_text_str(&first), first.len, &again, NULL) ==
                   0);
        hf_node_document_format(&again, &second);
        FUZZ_CHECK(strcmp(hf_text_str(&first), hf_text_str(&second)) == 0);
    }
    hf_node_document_fini(&document);
    hf_node_document_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_function((const char *)data, size);
    check_node((const char *)data, size);
    return 0;
}
