# hf_need.m4 - look for everything first, complain once.
#
# Each macro notes what it does not find, with the Debian package that has it;
# HF_NEED_REPORT ends configure with the whole list.

# HF_MISSING(WHAT, DEBIAN-PACKAGE)
AC_DEFUN([HF_MISSING], [AS_VAR_APPEND([hf_missing], ["
    $1 (Debian: $2)"])
AS_VAR_APPEND([hf_packages], [" $2"])])

# HF_NEED_PKG(PREFIX, PKG-CONFIG MODULES, DEBIAN-PACKAGE)
AC_DEFUN([HF_NEED_PKG], [PKG_CHECK_MODULES([$1], [$2], [], [HF_MISSING([$2], [$3])])])

# HF_NEED_PROG(VARIABLE, PROGRAM, DEBIAN-PACKAGE)
AC_DEFUN([HF_NEED_PROG], [AC_ARG_VAR([$1], [the program $2])
AC_PATH_PROG([$1], [$2])
AS_IF([test -z "$$1"], [HF_MISSING([$2], [$3])])])

# HF_NEED_HEADER(HEADER, DEBIAN-PACKAGE)
AC_DEFUN([HF_NEED_HEADER], [AC_CHECK_HEADER([$1], [], [HF_MISSING([$1], [$2])])])

# HF_NEED_LIB(VARIABLE, LIBRARY, FUNCTION, HEADER, DEBIAN-PACKAGE)
# For libraries without a pkg-config file.
AC_DEFUN([HF_NEED_LIB], [AC_CHECK_HEADER([$4],
    [AC_CHECK_LIB([$2], [$3], [$1=-l$2], [HF_MISSING([lib$2], [$5])])],
    [HF_MISSING([$4], [$5])])
AC_SUBST([$1])])

# HF_NEED_REPORT
AC_DEFUN([HF_NEED_REPORT], [AS_IF([test -n "$hf_missing"],
    [AC_MSG_ERROR([missing:$hf_missing
  On Debian: apt-get install$hf_packages (or: ./bootstrap.sh deps)])])])
