/*
 * node_id.c - the name of a node, the same after a restart.
 */
#include "node/node_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/random.h"

bool
hf_node_id_is_valid(const char *id)
{
    size_t len = 0;

    while (id[len] > ' ' && id[len] <= '~' && len < HF_NODE_ID_MAX) {
        len++;
    }
    return len > 0 && len < HF_NODE_ID_MAX && id[len] == '\0';
}

/* Reads a kept id: one line of visible ASCII. */
static bool
read_id(const char *file, char ret[static HF_NODE_ID_MAX])
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t len;

    if (fd < 0) {
        return false;
    }
    len = read(fd, ret, HF_NODE_ID_MAX - 1);
    close(fd);
    if (len <= 0) {
        return false;
    }
    ret[len] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
    return hf_node_id_is_valid(ret);
}

void
hf_node_id_choose(const char *given, const char *file, char ret[static HF_NODE_ID_MAX])
{
    char host[256] = "node";

    if (given && *given) {
        snprintf(ret, HF_NODE_ID_MAX, "%s", given);
        return;
    }
    if (read_id(file, ret)) {
        return;
    }
    if (gethostname(host, sizeof host - 1) < 0) {
        snprintf(host, sizeof host, "node");
    }
    snprintf(ret, HF_NODE_ID_MAX, "%s-%08x", host, (unsigned int)(hf_random_os_u64() & UINT32_MAX));
}

int
hf_node_id_keep(const char *id, const char *file, struct hf_err *err)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    int r = 0;

    if (fd < 0 && errno == ELOOP) {
        return hf_fail(err, HF_EDENIED, "can't keep the node's id in '%s': it is a link; remove it",
                       file);
    }
    if (fd < 0) {
        return hf_fail_errno(err, errno, "can't keep the node's id in '%s'", file);
    }
    if (dprintf(fd, "%s\n", id) < 0) {
        r = hf_fail_errno(err, errno, "can't keep the node's id in '%s'", file);
    }
    close(fd);
    return r;
}
