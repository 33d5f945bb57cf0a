/*
 * privileges.c - what a child gives up before it becomes another program.
 *
 * The functions of libc that change users do so in all threads; a child of vfork has only its
 * own, and the memory of its parent: here are the system calls themselves.
 */
#include "loop/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the kernel does not allow that (without CAP_SETPCAP), what follows suffices. */
static void
drop_bounding_set(void)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
}

/* A program that root executes gets them back, but not beyond what is permitted here, as it may
 * gain no privileges. */
static int
drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return (int)syscall(SYS_capset, &header, none);
}

static int
change_user(const struct hf_child_spec *spec)
{
    if (syscall(SYS_setgroups, 0, NULL) < 0 ||
        syscall(SYS_setresgid, spec->gid, spec->gid, spec->gid) < 0) {
        return -1;
    }
    return (int)syscall(SYS_setresuid, spec->uid, spec->uid, spec->uid);
}

int
hf_privileges_give_up(const struct hf_child_spec *spec)
{
    drop_bounding_set();
    if ((spec->change_user && change_user(spec) < 0) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return -1;
    }
    return drop_capabilities();
}
