/*
 * names.h - which file holds which id.
 *
 * The document of an id is the file `<escaped id>.json`.  Letters, digits, `_`,
 * `-` and dots that are not in front stand for themselves; every other byte is
 * written %XX with upper-case digits.  So each id has exactly one file name,
 * each such name one id, and no id can leave its folder or hide in it.
 */
#ifndef HF_STORE_FILE_NAMES_H
#define HF_STORE_FILE_NAMES_H

#include <stdbool.h>

/* Room for any file name (NAME_MAX is 255) and for any id read from one. */
#define NAME_SIZE 256

enum name_kind {
    NAME_FOREIGN,  /* not ours: hidden, a backup of an editor, another suffix */
    NAME_DOCUMENT, /* holds the document of the id */
    NAME_MISSPELT  /* a document, but not under the one name of its id */
};

/* Writes the file name of `id`; false if it is empty or its name too long. */
bool name_from_id(const char *id, char name[NAME_SIZE]);

/* Writes the id that a file name stands for, unless the name is foreign. */
enum name_kind name_to_id(const char *name, char id[NAME_SIZE]);

#endif
