/*
 * metrics.c - the machine's memory and processors, from proc(5).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "node/load_service.h"
#include "node/node.h"
#include "node/worker/worker.h"

/* Processor times at one moment, in ticks. */
struct hf_metrics_sample {
    size_t count;
    struct {
        uint64_t busy;
        uint64_t total;
    } processor[];
};

int
hf_metrics_memory(double *ret, struct hf_err *err)
{
    unsigned long long total = 0;
    unsigned long long available = 0;
    char line[256];
    FILE *file = fopen("/proc/meminfo", "re");

    if (!file) {
        return hf_fail(err, HF_EIO, "can't read /proc/meminfo");
    }
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "MemTotal: %llu kB", &total) != 1) {
            (void)sscanf(line, "MemAvailable: %llu kB", &available);
        }
    }
    fclose(file);
    if (total == 0) {
        return hf_fail(err, HF_EIO, "/proc/meminfo has no MemTotal");
    }
    *ret = 100.0 * (double)(total - available) / (double)total;
    return 0;
}

uint64_t
hf_metrics_memory_total(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

/* One "cpuN user nice system idle iowait irq softirq steal ..." line. */
static bool
read_processor(const char *line, uint64_t *ret_busy, uint64_t *ret_total)
{
    unsigned long long t[8] = { 0 };
    uint64_t total = 0;

    if (sscanf(line, "cpu%*u %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
               &t[4], &t[5], &t[6], &t[7]) < 4) {
        return false;
    }
    for (size_t i = 0; i < 8; i++) {
        total += t[i];
    }
    *ret_total = total;
    *ret_busy = total - t[3] - t[4]; /* idle and iowait */
    return true;
}

static struct hf_metrics_sample *
take_sample(void)
{
    long configured = sysconf(_SC_NPROCESSORS_CONF);
    size_t room = configured > 0 ? (size_t)configured : 1;
    struct hf_metrics_sample *sample =
        calloc(1, sizeof *sample + room * sizeof sample->processor[0]);
    FILE *file = fopen("/proc/stat", "re");
    char line[512];

    while (sample && file && sample->count < room && fgets(line, sizeof line, file)) {
        size_t i = sample->count;

        if (read_processor(line, &sample->processor[i].busy, &sample->processor[i].total)) {
            sample->count++;
        }
    }
    if (file) {
        fclose(file);
    }
    if (sample && sample->count == 0) {
        free(sample);
        return NULL;
    }
    return sample;
}

int
hf_metrics_processors(struct hf_metrics_sample **sample, double **ret, struct hf_err *err)
{
    struct hf_metrics_sample *now = take_sample();
    const struct hf_metrics_sample *before = *sample;
    double *percent = now ? calloc(now->count, sizeof *percent) : NULL;

    if (!percent) {
        free(now);
        return hf_fail(err, HF_EIO, "can't read processor times from /proc/stat");
    }
    for (size_t i = 0; i < now->count; i++) {
        bool known = before && i < before->count;
        uint64_t busy = now->processor[i].busy - (known ? before->processor[i].busy : 0);
        uint64_t total = now->processor[i].total - (known ? before->processor[i].total : 0);

        percent[i] = total > 0 ? 100.0 * (double)busy / (double)total : 0.0;
    }
    free(*sample);
    *sample = now;
    *ret = percent;
    return (int)now->count;
}

void
hf_worker_measure(void *arg, struct hf_load_figures *ret)
{
    const struct hf_worker_role *worker = arg;
    const char *folder = hf_node_state_dir(worker->node);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct statvfs disk;
    double load;

    if (processors > 0 && getloadavg(&load, 1) == 1) {
        ret->load_known = true;
        ret->load_millis = (uint32_t)(load * 1000 / (double)processors);
    }
    if (statvfs(folder ? folder : "/", &disk) == 0) {
        ret->disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
        ret->disk_used_bytes = (uint64_t)(disk.f_blocks - disk.f_bfree) * disk.f_frsize;
    }
}

void
hf_metrics_sample_free(struct hf_metrics_sample *sample)
{
    free(sample);
}
