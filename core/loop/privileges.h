/*
 * privileges.h - what a child gives up before it becomes another program.
 */
#ifndef HF_LOOP_PRIVILEGES_H
#define HF_LOOP_PRIVILEGES_H

#include "loop/child.h"

/* Becomes the user and group of `spec`, if it names any, without further groups; gives up all
 * capabilities, and gains none by what it executes.  Only makes system calls, for the time
 * between vfork and exec.  -1 and errno: it must not go on.
 *
 * A change of user clears the death signal (prctl(2)). */
int hf_privileges_give_up(const struct hf_child_spec *spec);

#endif
