/*
 * follow.h - one watch: what a folder holds, and every change of it.
 *
 * Runs on the thread of io.h.  inotify says which names to look at again; what
 * counts is what is then found there, compared with what was told before (look.h).
 * So it does not matter who changed a file or how, and after lost events one scan
 * of the folder puts everything right.  Not every change is an event: not behind a
 * symbolic link, not by another machine on a network file system.  So the folder is
 * scanned now and then anyway, which costs a look at each file's times.
 */
#ifndef HF_STORE_FILE_FOLLOW_H
#define HF_STORE_FILE_FOLLOW_H

#include "io.h"

struct follower;

/* Begins to follow the space of `request`, telling `io`; NULL if memory is exhausted. */
struct follower *follower_new(struct io *io, const struct place *, struct request *request);
void follower_free(struct follower *);

struct request *follower_request(const struct follower *);

/* Readable when there are changes; -1 while nothing tells of them. */
int follower_fd(const struct follower *);
/* Milliseconds until follower_step() has something to do without any change. */
int follower_wait_ms(const struct follower *);

/* Does the next piece of work, a few milliseconds at most. */
void follower_step(struct follower *);

#endif
