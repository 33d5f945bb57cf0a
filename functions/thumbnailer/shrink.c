/*
 * shrink.c - JPEG to smaller JPEG, in one pass with libjpeg-turbo.
 *
 * The decoder does most of the work by itself: it decodes at n/8 of the size (DCT scaling),
 * the least that is not smaller than the result.  Each of its rows is then added to the
 * output row that it falls into, and output rows go to the encoder as they become complete: of
 * either image there is never more than a row in memory.
 *
 * libjpeg reports errors by a function that must not return, so we leave it with longjmp.
 * What must survive the jump is in a struct of the caller's of setjmp, not on its own stack.
 */
#include "shrink.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h> /* wants stdio.h before it */

#include <jerror.h>

#define COMPONENTS 3 /* red, green, blue */
#define QUALITY    85

/* A progressive image may have thousands of scans over all of its pixels; real ones have ten. */
#define SCANS_MAX 100

/* Room for a result of so many pixels: with halved colours an encoder needs at most
 * 3 bytes for a pixel, sides being rounded up to whole blocks of 16. */
#define ROUNDED_UP(side)          (((size_t)(side) + 15) / 16 * 16)
#define RESULT_MAX(width, height) (ROUNDED_UP(width) * ROUNDED_UP(height) * 3 + 4096)

struct job {
    struct jpeg_decompress_struct from;
    struct jpeg_compress_struct to;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    char *problem;
    uint8_t *result;
    unsigned long result_len;
};

/* --- trouble ------------------------------------------------------------------------------- */

static void
give_up(j_common_ptr codec)
{
    struct job *job = codec->client_data;

    job->errors.format_message(codec, job->problem);
    longjmp(job->failed, 1);
}

/* A warning (a level below 0) means data that are damaged: libjpeg would go on with grey. */
static void
on_message(j_common_ptr codec, int level)
{
    if (level < 0) {
        give_up(codec);
    }
}

static void
refuse(struct job *job, const char *problem)
{
    snprintf(job->problem, SHRINK_PROBLEM_MAX, "%s", problem);
    longjmp(job->failed, 1);
}

static void
on_progress(j_common_ptr codec)
{
    struct job *job = codec->client_data;

    if (job->from.input_scan_number > SCANS_MAX) {
        refuse(job, "the image has too many scans");
    }
}

/* --- scaling ------------------------------------------------------------------------------- */

/* Adds a row of the original, `weight` times, to the sums of an output row.  A pixel of the
 * original counts for `to_width` parts, a pixel of the result is made of `from_width`. */
static void
add_row(uint64_t *sums, uint32_t to_width, const JSAMPLE *row, uint32_t from_width, uint32_t weight)
{
    uint32_t missing = from_width; /* parts, until the output pixel at `sums` is complete */

    for (uint32_t i = 0; i < from_width; i++, row += COMPONENTS) {
        for (uint32_t left = to_width, parts; left > 0; left -= parts) {
            parts = left < missing ? left : missing;
            for (uint32_t c = 0; c < COMPONENTS; c++) {
                sums[c] += (uint64_t)parts * weight * row[c];
            }
            missing -= parts;
            if (missing == 0) {
                sums += COMPONENTS;
                missing = from_width;
            }
        }
    }
}

/* Writes an output row, the mean of what was added, and begins the next one. */
static void
write_row(struct job *job, uint64_t *sums, JSAMPLE *row)
{
    uint64_t total = (uint64_t)job->from.output_width * job->from.output_height;
    size_t samples = (size_t)job->to.image_width * COMPONENTS;

    for (size_t i = 0; i < samples; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): libjpeg refuses empty images */
        row[i] = (JSAMPLE)((sums[i] + total / 2) / total);
    }
    jpeg_write_scanlines(&job->to, &row, 1);
    memset(sums, 0, samples * sizeof sums[0]);
}

/* The same as `add_row` does, for rows instead of pixels. */
static void
copy_rows(struct job *job, JSAMPLE *in, uint64_t *sums, JSAMPLE *out)
{
    uint32_t to_width = job->to.image_width, to_height = job->to.image_height;
    uint32_t missing = job->from.output_height;

    while (job->from.output_scanline < job->from.output_height) {
        jpeg_read_scanlines(&job->from, &in, 1);
        for (uint32_t left = to_height, parts; left > 0; left -= parts) {
            parts = left < missing ? left : missing;
            add_row(sums, to_width, in, job->from.output_width, parts);
            missing -= parts;
            if (missing == 0) {
                write_row(job, sums, out);
                missing = job->from.output_height;
            }
        }
    }
}

/* --- both ends ----------------------------------------------------------------------------- */

static void
begin_reading(struct job *job, const uint8_t *jpeg, size_t len, uint32_t width, uint32_t height)
{
    struct jpeg_decompress_struct *from = &job->from;

    jpeg_mem_src(from, jpeg, len);
    jpeg_read_header(from, TRUE);
    if ((uint64_t)from->image_width * from->image_height > SHRINK_PIXELS_MAX) {
        refuse(job, "the image is too large");
    }
    from->out_color_space = JCS_RGB;
    from->scale_denom = 8;
    for (from->scale_num = 1; from->scale_num < 8; from->scale_num++) {
        jpeg_calc_output_dimensions(from);
        if (from->output_width >= width && from->output_height >= height) {
            break;
        }
    }
    jpeg_start_decompress(from);
}

static void
begin_writing(struct job *job, uint32_t width, uint32_t height)
{
    jpeg_mem_dest(&job->to, &job->result, &job->result_len);
    job->to.image_width = width;
    job->to.image_height = height;
    job->to.input_components = COMPONENTS;
    job->to.in_color_space = JCS_RGB;
    jpeg_set_defaults(&job->to);
    jpeg_set_quality(&job->to, QUALITY, TRUE);
    jpeg_start_compress(&job->to, TRUE);
}

/* Memory from libjpeg's pool, which goes with the decoder; failing to get some is an error. */
static void *
pool_alloc(struct job *job, size_t size)
{
    j_common_ptr codec = (j_common_ptr)&job->from;

    return memset(job->from.mem->alloc_large(codec, JPOOL_IMAGE, size), 0, size);
}

/* False: it has given up. */
static bool
run(struct job *job, const uint8_t *jpeg, size_t len, uint32_t width, uint32_t height)
{
    size_t out_samples = (size_t)width * COMPONENTS;

    if (setjmp(job->failed)) {
        return false;
    }
    jpeg_create_decompress(&job->from);
    jpeg_create_compress(&job->to);
    job->from.progress = &job->progress;
    begin_reading(job, jpeg, len, width, height);
    begin_writing(job, width, height);
    copy_rows(job, pool_alloc(job, (size_t)job->from.output_width * COMPONENTS),
              pool_alloc(job, out_samples * sizeof(uint64_t)), pool_alloc(job, out_samples));
    jpeg_finish_compress(&job->to);
    jpeg_finish_decompress(&job->from);
    return true;
}

enum shrink_status
shrink(const uint8_t *jpeg, size_t len, uint32_t width, uint32_t height, uint8_t **ret,
       size_t *ret_len, char problem[static SHRINK_PROBLEM_MAX])
{
    struct job job = { .problem = problem, .result_len = RESULT_MAX(width, height) };
    bool good;

    /* The encoder enlarges a buffer that is too small, and loses it if it fails then. */
    job.result = malloc(job.result_len);
    if (!job.result) {
        snprintf(problem, SHRINK_PROBLEM_MAX, "no memory for the result");
        return SHRINK_NO_MEMORY;
    }
    job.from.err = job.to.err = jpeg_std_error(&job.errors);
    job.errors.error_exit = give_up;
    job.errors.emit_message = on_message;
    job.progress.progress_monitor = on_progress;
    job.from.client_data = job.to.client_data = &job;
    good = run(&job, jpeg, len, width, height);
    jpeg_destroy_compress(&job.to);
    jpeg_destroy_decompress(&job.from);
    if (!good) {
        free(job.result);
        return job.errors.msg_code == JERR_OUT_OF_MEMORY ? SHRINK_NO_MEMORY : SHRINK_BAD_IMAGE;
    }
    *ret = job.result;
    *ret_len = job.result_len;
    return SHRINK_OK;
}
