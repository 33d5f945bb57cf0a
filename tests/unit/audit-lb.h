/*
 * audit-lb.h - an lb policy for tests that checks how the host treats it.
 *
 * It picks at random among what it is shown, and holds the host to every
 * promise of hyperfaas/lb.h: who is usable, started and finished in pairs, full
 * and freed in turn, nothing about an endpoint before `added` or after
 * `removed`.  Violations are counted in `audit_violations`.
 */
#ifndef HF_UNIT_AUDIT_LB_H
#define HF_UNIT_AUDIT_LB_H

#include <hyperfaas/lb.h>

/* How `pick` answers; per process, set by a test before it begins. */
enum audit_mode {
    AUDIT_RANDOM,  /* one of the usable */
    AUDIT_DECLINE, /* HF_NONE */
    AUDIT_INVALID  /* a handle that does not exist */
};

extern enum audit_mode audit_mode;
extern unsigned audit_violations; /* changed under the pool's lock only */
extern int audit_added_code;      /* what `added` answers */

extern const struct hf_lb_ops audit_lb_ops;

#endif
