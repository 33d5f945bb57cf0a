/*
 * secret.c - one line of visible characters in a file that only its owner and group can read.
 */
#include "node/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/options.h"
#include "base/random.h"
#include "base/text.h"
#include "loop/peer.h"

/* Shorter ones can be guessed. */
#define SECRET_MIN 16

char *
hf_secret_file(const struct hf_options *node, const char *state_dir)
{
    const char *given = node ? hf_options_str(node, "secret_file") : NULL;

    return given && *given ? strdup(given) : hf_strdup_printf("%s/secret", state_dir);
}

/* --- reading ------------------------------------------------------------------------------- */

static int
check(int fd, const char *file, struct hf_err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return hf_fail_errno(err, errno, "the secret %s", file);
    }
    if (!S_ISREG(st.st_mode)) {
        return hf_fail(err, HF_EINVALID, "the secret %s is no file", file);
    }
    if (st.st_mode & S_IRWXO) {
        return hf_fail(err, HF_EDENIED, "everybody may use the secret %s; use: chmod o= %s", file,
                       file);
    }
    return 0;
}

static int
read_line(int fd, const char *file, char ret[static HF_SECRET_MAX], struct hf_err *err)
{
    ssize_t len = read(fd, ret, HF_SECRET_MAX - 1);
    size_t at = 0;

    if (len < 0) {
        return hf_fail_errno(err, errno, "the secret %s", file);
    }
    ret[len] = '\0';
    while (ret[at] > ' ' && ret[at] <= '~') {
        at++;
    }
    if (at < SECRET_MIN || (ret[at] != '\0' && ret[at] != '\n')) {
        return hf_fail(err, HF_EINVALID,
                       "the secret %s: expected one line of %d to %d visible ASCII characters",
                       file, SECRET_MIN, HF_SECRET_MAX - 2);
    }
    ret[at] = '\0';
    return 0;
}

int
hf_secret_read(const char *file, char ret[static HF_SECRET_MAX], struct hf_err *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int r;

    if (fd < 0) {
        return hf_fail_errno(err, errno, "the secret %s", file);
    }
    r = check(fd, file, err);
    if (r == 0) {
        r = read_line(fd, file, ret, err);
    }
    close(fd);
    return r;
}

/* --- making -------------------------------------------------------------------------------- */

/* Writes a new one to `draft` and gives it its name, if nobody has been quicker. */
static int
make(const char *file, const char *draft, struct hf_err *err)
{
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = 0;

    if (fd < 0) {
        return hf_fail_errno(err, errno, "can't make the secret %s", file);
    }
    if (dprintf(fd, "%016llx%016llx\n", (unsigned long long)hf_random_os_u64(),
                (unsigned long long)hf_random_os_u64()) < 0 ||
        link(draft, file) < 0) {
        error = errno;
    }
    close(fd);
    unlink(draft);
    return error == 0 || error == EEXIST
               ? 0
               : hf_fail_errno(err, error, "can't make the secret %s", file);
}

int
hf_secret_keep(const char *file, char ret[static HF_SECRET_MAX], struct hf_err *err)
{
    hf_autofree char *draft = NULL;
    int r = hf_secret_read(file, ret, NULL);

    if (r != HF_ENOTFOUND) {
        return r < 0 ? hf_secret_read(file, ret, err) : 0;
    }
    draft = hf_strdup_printf("%s.%016llx", file, (unsigned long long)hf_random_os_u64());
    if (!draft) {
        return hf_fail(err, HF_ENOMEM, "out of memory");
    }
    r = make(file, draft, err);
    return r < 0 ? r : hf_secret_read(file, ret, err);
}

bool
hf_secret_is_for(const char *address, bool shared)
{
    struct hf_peer_ip ip;

    return shared || strncmp(address, "localhost:", 10) == 0 || strncmp(address, "unix:", 5) == 0 ||
           (hf_peer_ip_parse(address, &ip) && hf_peer_ip_is_loopback(&ip));
}
