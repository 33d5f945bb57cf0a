# interface.awk - makes a manual page of a public header: its comments and its declarations.
#
# usage: awk -v page=hyperfaas-lb -f interface.awk lb.h
#
# It relies on the layout of these headers: a comment stands before what it is about, or behind it on
# its line; a blank line ends what a comment is about; structures and enumerations end with "};" in
# the first column.

# Text for roff: what has a meaning there, and `words` in bold.
function escaped(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    if (text ~ /^[.']/) {
        text = "\\\\&" text
    }
    return text
}
function prose(text,   out) {
    text = escaped(text)
    while (match(text, /`[^`]*`/)) {
        out = out substr(text, 1, RSTART - 1) "\\fB" substr(text, RSTART + 1, RLENGTH - 2) "\\fP"
        text = substr(text, RSTART + RLENGTH)
    }
    return out text
}

# A comment without its marks, as lines.
function uncomment(text) {
    sub(/^[ \t]*\/\*+ ?/, "", text)
    sub(/[ \t]*\*\/.*$/, "", text)
    return text
}
function clean(line) {
    sub(/[ \t]*\*\/.*$/, "", line)
    sub(/^[ \t]*\* ?/, "", line)
    return line
}

# Prints lines of prose; what is indented is shown as it is.
function print_prose(text, begin,   lines, n, i, code) {
    n = split(text, lines, "\n")
    code = 0
    for (i = 1; i <= n; i++) {
        if (lines[i] ~ /^[ \t]*$/) {
            if (i < n && i > 1) {
                print code ? "" : begin
            }
        } else if (lines[i] ~ /^    / && !code && (i == 1 || lines[i - 1] ~ /^[ \t]*$/)) {
            print ".nf"
            code = 1
            print escaped(lines[i])
        } else if (code && lines[i] !~ /^ /) {
            print ".fi"
            code = 0
            print prose(lines[i])
        } else {
            sub(/^ */, code ? "    " : "", lines[i])
            print code ? escaped(lines[i]) : prose(lines[i])
        }
    }
    if (code) {
        print ".fi"
    }
}

# Declarations, and what is said about them.
function flush() {
    if (declarations != "") {
        print ".PP"
        print ".nf"
        print "\\fB" escaped_lines(declarations) "\\fP"
        print ".fi"
        if (comment != "") {
            print ".RS 4"
            print_prose(comment, ".PP")
            print ".RE"
        }
    }
    declarations = comment = ""
}
function escaped_lines(text,   lines, n, i, out) {
    n = split(text, lines, "\n")
    for (i = 1; i <= n; i++) {
        sub(/[ \t]+$/, "", lines[i])
        out = out (i > 1 ? "\n" : "") escaped(lines[i])
    }
    return out
}
function add(to, line) {
    return to == "" ? line : to "\n" line
}
function heading(line) {
    sub(/^[^-]*--- */, "", line)
    sub(/ *-+ *\*\/.*$/, "", line)
    return toupper(line)
}

# The first comment of the file: its name and what it is, then all about it.
function print_head(text,   name, about, at) {
    at = index(text, "\n\n")
    about = at ? substr(text, 1, at - 1) : text
    gsub(/\n/, " ", about)
    sub(/^[a-z_]+\.h - /, "", about)
    sub(/\.$/, "", about)
    name = page
    gsub(/-/, "\\-", name)
    print ".\\\" Made from <hyperfaas/" header "> by interface.awk."
    print ".TH " page " 7 \"\" HyperFaaS \"Plugin interface\""
    print ".SH NAME"
    print name " \\- " prose(about)
    print ".SH SYNOPSIS"
    print ".B #include <hyperfaas/" header ">"
    print ".SH DESCRIPTION"
    print_prose(substr(text, at + 2), ".PP")
}

FNR == 1 {
    header = FILENAME
    sub(/^.*\//, "", header)
}

# --- what is not the interface
/^#ifdef __cplusplus/ { skipping = 1 }
skipping { if (/^#endif/) { skipping = 0 }; next }
/^#(ifndef|endif|include|undef|if|else)/ || /^#define HYPERFAAS_/ || /^_Static_assert/ { next }

# --- comments that go on
in_comment {
    comment = add(comment, clean($0))
    if (/\*\//) {
        in_comment = 0
        sub(/\n$/, "", comment)
        if (!headed) {
            print_head(comment)
            comment = ""
            headed = 1
        } else if (pending) {
            flush()
            pending = 0
        }
    }
    next
}

# --- a heading
/^ *\/\* --- .*\*\/ *$/ {
    flush()
    if (/since [0-9.]+/) {
        sub(/ --- /, " ", $0)
        print ".PP"
        print "\\fI" escaped(capital(uncomment_rule($0))) "\\fP"
    } else {
        print ".SH " heading($0)
    }
    next
}
function uncomment_rule(line) {
    line = uncomment(line)
    gsub(/-+ *$/, "", line)
    gsub(/^ +| +$/, "", line)
    return line
}
function capital(text) {
    return toupper(substr(text, 1, 1)) substr(text, 2) ":"
}

# --- a comment on lines of its own
/^ *\/\*/ {
    flush()
    pending = 0
    comment = uncomment($0)
    in_comment = !/\*\//
    next
}

/^[ \t]*$/ { flush(); next }

# --- the end of a structure
/^}/ { flush(); next }

# --- the beginning of one
/^(struct|enum) [a-z_]+ \{/ {
    declarations = ""
    sub(/ \{.*$/, "", $0)
    print ".SS " $0
    if (comment != "") {
        print_prose(comment, ".PP")
    }
    comment = ""
    next
}

# --- macros that write a module
/^#define [A-Z_]+\(/ && /\\$/ {
    line = $0
    sub(/^#define /, "", line)
    sub(/\).*$/, ")", line)
    declarations = add(declarations, line ";")
    flush()
    in_macro = 1
    next
}
in_macro { in_macro = /\\$/; next }

# --- declarations, with what stands behind them
{
    line = $0
    behind = ""
    if (match(line, /\/\*/)) {
        behind = uncomment(substr(line, RSTART))
        in_comment = substr(line, RSTART) !~ /\*\//
        line = substr(line, 1, RSTART - 1)
    }
    sub(/^    /, "", line)
    if (behind != "") {
        if (declarations != "" && !open) { # those before have their own
            flush()
        }
        comment = comment == "" ? behind : comment "\n\n" behind
        declarations = add(declarations, line)
        open = 0
        pending = 1
    } else {
        if (pending && !open) {
            flush()
        }
        pending = 0
        declarations = add(declarations, line)
    }
    open = line !~ /[;,] *$/ && line !~ /^#define/
    if (pending && !in_comment && !open) {
        flush()
        pending = 0
    }
}

END {
    flush()
    print ".SH SEE ALSO"
    print ".BR hyperfaas\\-plugin (7),"
    print ".BR hyperfaas (1)"
}
