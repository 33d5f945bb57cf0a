/*
 * announce.h - documents that live as long as a process.
 *
 * Beside the document `x.json` lies `.x.json.alive`, on which the process that announced it
 * holds a lock (fcntl, of the open file).  The kernel releases the lock when the process
 * dies, however that happens, and closing the file that was open for writing is an event
 * for whoever watches the folder.  So an end is noticed at once and without any clock, a
 * process that is stopped or slow stays announced, and two that announce the same id are
 * found out.  Whoever meets a document whose process has died removes it.
 *
 * A document without such a file was put there by hand, and stays.
 *
 * Runs on the thread of io.h.
 */
#ifndef HF_STORE_FILE_ANNOUNCE_H
#define HF_STORE_FILE_ANNOUNCE_H

#include <stdbool.h>

#include "io.h"

/* Announces the document of `request` and looks after it, telling `io`, until it is freed; NULL if
 * memory is exhausted. */
struct job *announcer_new(struct io *io, const struct place *, struct request *request);

/* --- for those who watch --- */

/* Whether `name` is the file of a lock; `document` is then the name of its document. */
bool announce_is_lock(const char *name, char document[NAME_SIZE]);

/* Whether the document `name` was announced by a process that has died. */
bool announce_is_over(int folder, const char *name);

/* Removes the document of a process that has died, unless somebody else writes just now. */
void announce_clear(int folder, const char *name);

#endif
