/*
 * plugin_new.c - `hyperfaas plugin new`: a folder to begin a policy in, made from installed
 * templates.
 *
 * In the names of their files and in what they say, NAME, KIND and SECTION stand for those of the
 * module.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "output.h"
#include "plugin/module.h"

#define NAME_MAX_LEN 32

struct names {
    const char *kind;
    const char *name;
    const char *section; /* of the configuration, which such a module stands in */
};

/* The name is a part of a file's name and of the C source. */
static int
check_name(const char *name, struct hf_err *err)
{
    size_t len = strlen(name);

    if (len == 0 || len > NAME_MAX_LEN || strchr("0123456789_", *name) ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != len) {
        return hf_fail(err, HF_EINVALID,
                       "'%s' is no name for a module: small letters, digits and underscores, at "
                       "most %d, a letter first",
                       name, NAME_MAX_LEN);
    }
    return 0;
}

/* Appends a text in which words stand for others. */
static void
add_filled(const char *text, const struct names *names, struct hf_text *out)
{
    const struct {
        const char *word;
        const char *text;
    } all[] = { { "NAME", names->name }, { "KIND", names->kind }, { "SECTION", names->section } };

    while (*text) {
        size_t i = 0;

        while (i < hf_countof(all) && strncmp(text, all[i].word, strlen(all[i].word)) != 0) {
            i++;
        }
        if (i < hf_countof(all)) {
            hf_text_add(out, all[i].text);
            text += strlen(all[i].word);
        } else {
            hf_text_add_char(out, *text++);
        }
    }
}

static int
read_file(const char *path, struct hf_text *out, struct hf_err *err)
{
    FILE *file = fopen(path, "re");
    char data[4096];
    size_t n;
    bool failed;

    if (!file) {
        return hf_fail_errno(err, errno, "cannot read '%s'", path);
    }
    while ((n = fread(data, 1, sizeof data, file)) > 0) {
        hf_text_add_mem(out, data, n);
    }
    failed = ferror(file);
    fclose(file);
    return failed ? hf_fail(err, HF_EIO, "cannot read '%s'", path) : 0;
}

static int
write_file(const char *path, const struct hf_text *text, struct hf_err *err)
{
    FILE *file = fopen(path, "wxe");
    bool ok;

    if (!file) {
        return hf_fail_errno(err, errno, "cannot write '%s'", path);
    }
    ok = fwrite(hf_text_str(text), 1, text->len, file) == text->len;
    return fclose(file) == 0 && ok ? 0 : hf_fail_errno(err, errno, "cannot write '%s'", path);
}

static int
fill_one(const char *folder, const char *file, const struct names *names, struct hf_err *err)
{
    hf_autofree char *from = hf_strdup_printf("%s/%s", folder, file);
    hf_autotext struct hf_text content;
    hf_autotext struct hf_text filled;
    hf_autotext struct hf_text to;
    int r;

    hf_text_init(&content);
    hf_text_init(&filled);
    hf_text_init(&to);
    hf_text_printf(&to, "%s/", names->name);
    add_filled(file, names, &to);
    r = from ? read_file(from, &content, err) : hf_fail(err, HF_ENOMEM, "no memory for a template");
    if (r < 0) {
        return r;
    }
    add_filled(hf_text_str(&content), names, &filled);
    return write_file(hf_text_str(&to), &filled, err);
}

/* Fills in all files of one folder of templates. */
static int
fill_folder(const char *which, const struct names *names, struct hf_err *err)
{
    hf_autofree char *folder = hf_strdup_printf("%s/%s", hf_template_folder(), which);
    DIR *dir = folder ? opendir(folder) : NULL;
    const struct dirent *entry;
    int r = 0;

    if (!dir) {
        return hf_fail_errno(err, errno, "cannot read the templates in '%s'",
                             folder ? folder : which);
    }
    while (r == 0 && (entry = readdir(dir))) {
        if (*entry->d_name != '.') {
            r = fill_one(folder, entry->d_name, names, err);
        }
    }
    closedir(dir);
    return r;
}

static int
print_next_steps(struct cli *cli, const struct names *names, struct hf_err *err)
{
    hf_autotext struct hf_text out;
    struct hf_json json;

    if (!cli->json) {
        hf_text_init(&out);
        hf_text_printf(&out,
                       "%s/ is there. What next:\n"
                       "    cd %s && make check && make bench\n"
                       "    hyperfaas plugin check ./%s-%s.so\n"
                       "and %s/README.md.\n",
                       names->name, names->name, names->kind, names->name, names->name);
        return cli_print(&out, err);
    }
    cli_object_begin(&json, &out);
    hf_json_str(&json, "folder", names->name);
    hf_json_str(&json, "kind", names->kind);
    hf_json_str(&json, "name", names->name);
    return cli_object_print(&json, err);
}

static int new (struct cli *cli, struct hf_err *err)
{
    struct names names = { .kind = cli->argv[0], .name = cli->argv[1] };
    uint32_t kind;

    if (hf_plugin_kind_parse(names.kind, &kind, err) < 0 || check_name(names.name, err) < 0) {
        return CLI_USAGE;
    }
    if (kind == HF_PLUGIN_STORE || kind == HF_PLUGIN_RUNTIME) {
        hf_fail(err, HF_EUNSUPPORTED,
                "a %s is a driver, for which there is no template: begin with a copy of one that "
                "there is, and <hyperfaas/%s.h>",
                names.kind, names.kind);
        return CLI_FAILED;
    }
    names.section = kind == HF_PLUGIN_LB          ? "[balance.leaf]"
                    : kind == HF_PLUGIN_SCHEDULER ? "[scheduler]"
                                                  : "[scaler]";
    if (mkdir(names.name, 0777) < 0) {
        hf_fail_errno(err, errno, "cannot make the folder '%s'", names.name);
        return CLI_FAILED;
    }
    if (fill_folder("policy", &names, err) < 0 || fill_folder(names.kind, &names, err) < 0) {
        return CLI_FAILED;
    }
    return print_next_steps(cli, &names, err);
}

const struct cli_command cli_plugin_new_commands[] = {
    { "plugin new", "KIND NAME",
      "Makes a folder to begin a policy in (lb, scheduler or scaler), with a test and a benchmark.",
      NULL, 2, 2, new, "hyperfaas plugin new scheduler mine" },
    { 0 },
};
