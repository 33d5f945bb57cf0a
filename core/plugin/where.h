/*
 * where.h - where modules lie when nobody says so.
 */
#ifndef HF_PLUGIN_WHERE_H
#define HF_PLUGIN_WHERE_H

/* The folder for a program that runs from its build tree, "../plugins" from where the program
 * lies; else the one that was installed with the program.  Lives as long as the process.  Not for
 * several threads at once. */
const char *hf_plugin_folder(void);

#endif
