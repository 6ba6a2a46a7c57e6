import type { Command } from "commander";
import type { Context, ExitCode } from "./context.ts";

/** The commands for whoever runs a Restate cluster. */
export function addCluster(
  remit: Command,
  { shared, done }: { readonly shared: () => Context; readonly done: (code: ExitCode) => void },
): void {
  const cluster = remit
    .command("cluster")
    .description("deployments of a Restate cluster, and runs there that do not come forward")
    .addHelpText(
      "after",
      `
Only the cluster's admin port is asked; no worker has to be up. Its addresses come from --admin, from the variable
REMIT_RESTATE_ADMIN, or are http://127.0.0.1:9070.

A new version is rolled out in this order: start its workers at an address of their own, drain the old deployment, remove
it when nothing needs it, stop its workers.

Examples:
  remit cluster deployments --admin http://10.0.0.11:9070,http://10.0.0.12:9070
  remit cluster drain dp_14LsPzGz9HBxXIeBoH5wYUh --for 12h
  remit cluster remove dp_14LsPzGz9HBxXIeBoH5wYUh
  remit cluster stuck
  remit cluster resume acme/run_ZDwZ94lW
`,
    );
  const command = (name: string, options: { readonly isDefault?: boolean } = {}) =>
    cluster
      .command(name, options)
      .option("--admin <addresses>", "addresses of the admin port, with commas between them")
      .option("--namespace <name>", "the installation, where several share a cluster (default: remit)")
      .option("--json", "print one JSON document and nothing else");

  command("deployments", { isDefault: true })
    .description("which versions are deployed, and how many unfinished runs need each")
    .action(async (options) => {
      const { listDeployments } = await import("./cluster.ts");
      done(await listDeployments(options, shared()));
    });
  command("stuck")
    .description("runs that are paused or failing, and why")
    .action(async (options) => {
      const { listStuck } = await import("./cluster.ts");
      done(await listStuck(options, shared()));
    });
  command("resume")
    .description("try paused runs again")
    .argument("[run]", "tenant/run (default: all of them)")
    .action(async (run, options) => {
      const { resumeStuck } = await import("./cluster.ts");
      done(await resumeStuck(run, options, shared()));
    });
  command("drain")
    .description("have no new run begin at a deployment, and wait until nothing needs it")
    .argument("<deployment>", "its id")
    .option("--for <time>", "how long to wait: 90s, 30m, 12h, 2d", "10m")
    .addHelpText("after", "\nThe exit code is 1 when something needs it at the end of that time. It stays drained.\n")
    .action(async (deployment, options) => {
      const { drain } = await import("./cluster.ts");
      done(await drain(deployment, options, shared()));
    });
  command("undrain")
    .description("have runs begin there again")
    .argument("<deployment>", "its id")
    .action(async (deployment, options) => {
      const { undrain } = await import("./cluster.ts");
      done(await undrain(deployment, options, shared()));
    });
  command("remove")
    .description("take a deployment away; refused (exit code 1) while something needs it")
    .argument("<deployment>", "its id")
    .action(async (deployment, options) => {
      const { remove } = await import("./cluster.ts");
      done(await remove(deployment, options, shared()));
    });
}
