/*
 * secret.c - shows a node that we are one of its managers, where we may read its secret.
 */
#include "secret.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/options.h"
#include "cli.h"
#include "node/access.h"

void
cli_secret_load(struct cli *cli)
{
    hf_autofree char *folder = NULL;
    hf_autofree char *file = NULL;

    if (cli_state_folder(cli, &folder, NULL) == 0) { /* what is wrong there a command says */
        file = hf_secret_file(cli->node, folder);
    }
    if (!file || hf_secret_read(file, cli->secret, NULL) < 0) {
        cli->secret[0] = '\0';
    }
}

void
cli_secret_add(const struct cli *cli, const char *address, struct hf_grpc_client_options *options)
{
    bool shared = cli->node && hf_options_is_given(cli->node, "secret_file");

    if (*cli->secret && hf_secret_is_for(address, shared)) {
        options->credential_name = HF_ACCESS_SECRET;
        options->credential = cli->secret;
    }
}

int
cli_manager_new(const struct cli *cli, struct hf_loop *loop, const char *address,
                struct hf_grpc_client **ret, struct hf_err *err)
{
    struct hf_grpc_client_options options;

    hf_grpc_client_options_init(&options);
    cli_secret_add(cli, address, &options);
    return hf_grpc_client_new(loop, address, &options, ret, err);
}
