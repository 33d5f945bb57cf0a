/* drive.c - see drive.h. */
#include "verify/drive.h"

#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "verify/imports.h"

bool
hf_drive_created(struct hf_drive *drive, int code, const void *instance, const struct hf_err *err)
{
    hf_probe_answered(drive->probe);
    if (code >= 0 && instance) {
        return true;
    }
    if (code >= 0) {
        hf_probe_fail(drive->probe, "set *ret to a whole instance, or return a negative code",
                      "create returned 0 and made nothing");
    }
    if (instance) {
        hf_probe_fail(drive->probe, "set *ret only when create succeeds",
                      "create failed (%s) and left an instance in *ret", hf_error_name(code));
    }
    if (hf_err_code(err) == 0 && code != HF_ENOMEM) {
        hf_probe_fail(
            drive->probe,
            "return host->fail(err, HF_E..., \"what is wrong\"), so that the operator knows",
            "create failed (%s) without saying why", hf_error_name(code));
    }
    if (!drive->may_refuse) {
        hf_probe_fail(drive->probe,
                      "give options that fit with --set, or let the defaults be enough",
                      "create failed: %s", hf_err_message(err));
    }
    return false;
}

void
hf_drive_decided(struct hf_drive *drive, uint64_t value)
{
    if (drive->quiet) {
        hf_probe_answered(drive->probe);
    } else {
        hf_probe_decided(drive->probe, value);
    }
}

void
hf_drive_allocated_nothing(struct hf_drive *drive, uint64_t before)
{
    uint64_t more = hf_allocations_count() - before;

    if (more > 0) {
        hf_probe_fail(drive->probe,
                      "allocate where something joins or is made, not where decisions are made",
                      "%s allocated memory (%llu times), which it must not",
                      hf_probe_operation(drive->probe), (unsigned long long)more);
    }
}

struct hf_decision *
hf_drive_decision(struct hf_decision *decision, uint32_t reason_count)
{
    *decision = (struct hf_decision){ .size = sizeof *decision };
    return reason_count > 0 ? decision : NULL;
}

void
hf_drive_shown(struct hf_drive *drive, const struct hf_text *text)
{
    const char *line = hf_text_str(text);

    hf_probe_answered(drive->probe);
    while (*line) {
        size_t len = strcspn(line, "\n");

        if (!memchr(line, '=', len) || line[len] != '\n') {
            hf_probe_fail(drive->probe, "write lines of the form key=value, each with its \\n",
                          "show wrote the line \"%.*s\"%s", (int)hf_min(len, (size_t)80), line,
                          line[len] == '\n' ? "" : " without an end");
        }
        line += len + 1;
    }
}

void
hf_drive_overrun(struct hf_drive *drive)
{
    hf_probe_fail(drive->probe, "let the size in the table of operations be that of your structure",
                  "%s wrote beside the room that was asked for", hf_probe_operation(drive->probe));
}

uint64_t
hf_drive_number(const struct hf_drive *drive, struct hf_random *random, uint64_t limit,
                uint64_t largest)
{
    if (!drive->wild) {
        return hf_random_below(random, limit);
    }
    switch (hf_random_below(random, 5)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return largest;
    case 3:
        return largest - hf_random_below(random, 2);
    default:
        return hf_random_u64(random) & largest;
    }
}

void
hf_drive_pass(const struct hf_drive *drive, struct hf_random *random, uint64_t *now_ns)
{
    uint64_t passed = hf_random_below(random, HF_MSEC);

    if (hf_random_below(random, drive->wild ? 20 : 1000) == 0) {
        passed = drive->wild ? UINT64_MAX / 50 : 86400 * HF_SEC; /* it jumps */
    }
    *now_ns = hf_add_saturated(*now_ns, passed);
}

uint64_t
hf_drive_cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * HF_SEC + (uint64_t)now.tv_nsec;
}
