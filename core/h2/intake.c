/*
 * intake.c - see intake.h.
 */
#include "h2/intake.h"

#include <string.h>

#define PREFACE_LEN 24u

/* RFC 9113 6; what is above is an extension. */
enum {
    DATA = 0,
    HEADERS = 1,
    PRIORITY = 2,
    GOAWAY = 7,
    WINDOW_UPDATE = 8,
    CONTINUATION = 9,
    NO_FRAME = 0xff /* the preface */
};
#define END_STREAM    0x01u
#define END_HEADERS   0x04u
#define PADDED        0x08u
#define WITH_PRIORITY 0x20u

/* GOAWAY says something once. */
#define GOAWAY_WEIGHT 10u

void
hf_h2_intake_init(struct hf_h2_intake *intake, bool preface)
{
    memset(intake, 0, sizeof *intake);
    intake->type = NO_FRAME;
    intake->left = preface ? PREFACE_LEN : 0;
}

/* --- frames ---------------------------------------------------------------- */

/* Whether a frame, known by its head, begins a block of several. */
static bool
begins_block(const uint8_t *head)
{
    return head[3] == HEADERS && !(head[4] & END_HEADERS);
}

/* What a frame costs that carries nothing; 0: it carries something, or is counted elsewhere. */
static uint32_t
nuisance(uint8_t type, uint8_t flags, uint32_t len)
{
    switch (type) {
    case DATA:
        return len == 0 && !(flags & END_STREAM);
    case PRIORITY:
    case WINDOW_UPDATE:
        return 1;
    case GOAWAY:
        return GOAWAY_WEIGHT;
    default:
        return type > CONTINUATION;
    }
}

static void
begin_block_frame(struct hf_h2_intake *intake)
{
    if (intake->type == HEADERS) {
        memset(&intake->guard, 0, sizeof intake->guard);
        intake->pad_follows = intake->flags & PADDED;
        intake->prologue =
            (uint8_t)((intake->pad_follows ? 1 : 0) + (intake->flags & WITH_PRIORITY ? 5 : 0));
        intake->block_open = true;
    }
    intake->block_closing = intake->flags & END_HEADERS;
}

static void
begin_frame(struct hf_h2_intake *intake, const uint8_t *head)
{
    intake->type = head[3];
    intake->flags = head[4];
    intake->left = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
    intake->nuisances += nuisance(intake->type, intake->flags, intake->left);
    intake->prologue = 0;
    intake->padding = 0;
    if (begins_block(head) || (intake->block_open && intake->type == CONTINUATION)) {
        begin_block_frame(intake);
    }
}

/* Reads the next `len` octets of a frame of a block; all belong to it. */
static void
scan(struct hf_h2_intake *intake, uint8_t *at, size_t len)
{
    size_t left = intake->left;
    size_t n;

    for (; intake->prologue > 0 && len > 0; at++, len--, left--) {
        if (intake->pad_follows) {
            intake->padding = *at;
            intake->pad_follows = false;
        }
        intake->prologue--;
    }
    n = left > intake->padding ? left - intake->padding : 0;
    hf_hpack_guard_scan(&intake->guard, at, n < len ? n : len);
}

/* Takes what is here of the frame's payload; returns how much. */
static size_t
take_payload(struct hf_h2_intake *intake, uint8_t *at, size_t len)
{
    size_t n = intake->left < len ? intake->left : len;

    if (intake->block_open) {
        scan(intake, at, n);
    }
    intake->left -= (uint32_t)n;
    return n;
}

/* Whether the frame that has come last ended a block of several. */
static bool
ended_block(struct hf_h2_intake *intake)
{
    if (!intake->block_open || !intake->block_closing || intake->left > 0) {
        return false;
    }
    intake->block_open = false;
    intake->block_closing = false;
    return true;
}

/* --- pieces ---------------------------------------------------------------- */

/* A head that came in parts.  True once it is whole. */
static bool
complete_head(struct hf_h2_intake *intake, uint8_t **at, size_t *len)
{
    size_t n = HF_H2_FRAME_HEAD - intake->head_len;

    n = n < *len ? n : *len;
    memcpy(intake->head + intake->head_len, *at, n);
    intake->head_len += (uint8_t)n;
    *at += n;
    *len -= n;
    if (intake->head_len < HF_H2_FRAME_HEAD) {
        return false;
    }
    intake->head_len = 0;
    begin_frame(intake, intake->head);
    return true;
}

/* As many whole heads and payloads as make up one piece. */
static size_t
take_frames(struct hf_h2_intake *intake, uint8_t *at, size_t len)
{
    size_t taken = 0;

    while (taken < len) {
        if (intake->left == 0) {
            if (len - taken < HF_H2_FRAME_HEAD || (taken > 0 && begins_block(at + taken))) {
                break;
            }
            begin_frame(intake, at + taken);
            taken += HF_H2_FRAME_HEAD;
        }
        taken += take_payload(intake, at + taken, len - taken);
        if (ended_block(intake)) {
            break;
        }
    }
    return taken;
}

bool
hf_h2_intake_next(struct hf_h2_intake *intake, uint8_t **at, size_t *len, struct hf_h2_piece *ret)
{
    if (*len == 0) {
        return false;
    }
    if (!intake->block_open) {
        intake->guard.cut = false; /* the block that it was about has been delivered */
    }
    if (intake->head_len > 0 || (intake->left == 0 && *len < HF_H2_FRAME_HEAD)) {
        if (!complete_head(intake, at, len)) {
            return false;
        }
        *ret = (struct hf_h2_piece){ intake->head, HF_H2_FRAME_HEAD };
        ended_block(intake);
        return true;
    }
    ret->data = *at;
    ret->len = take_frames(intake, *at, *len);
    *at += ret->len;
    *len -= ret->len;
    return true;
}

bool
hf_h2_intake_in_block(const struct hf_h2_intake *intake)
{
    return intake->block_open || (intake->type == HEADERS && intake->left > 0);
}
