/*
 * where.h - where the sample functions of a build tree lie.
 */
#ifndef WHERE_H
#define WHERE_H

/* The folder of sample functions beside a node that runs from its build tree, to be freed; NULL for
 * an installed node. */
char *build_tree_functions(void);

#endif
