/*
 * where.h - where the sample functions lie that came with the program.
 */
#ifndef WHERE_H
#define WHERE_H

/* The folder of sample functions beside a node that runs from its build tree, to be freed; NULL for
 * an installed node. */
char *build_tree_functions(void);

/* The folder of those that were installed, to be freed; NULL: no memory. */
char *installed_functions(void);

#endif
