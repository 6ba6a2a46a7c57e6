import type { Command } from "commander";
import type { Context, ExitCode } from "./context.ts";
import { addCancel, asSomebody } from "./program-people.ts";

/** The commands about runs of a person's own application, as `remit.config.ts` has it. */
export function addOwn(
  remit: Command,
  { shared, done }: { readonly shared: () => Context; readonly done: (code: ExitCode) => void },
): void {
  const runs = remit
    .command("runs")
    .description("the runs of your own application: list, show, replay, audit, cancel")
    .addHelpText(
      "after",
      `
Of the engine that remit.config.ts names, and of the tenants that it names or --tenant does. The other commands that people
have for suites are about these runs with --own, or with --tenant <name>: approvals, dead-letters, restrict, lift,
compensate, cancel. No run is taken up but the one that a command acts on.

Examples:
  remit runs list --status parked
  remit runs show run_ZDwZ94lW
  remit runs cancel run_ZDwZ94lW --reason "the customer called"
  remit approvals list --own
  remit approvals approve run_ZDwZ94lW/pay#1/tool#1 --reason "photo seen" --tenant acme
`,
    );
  const tenant = (command: Command) =>
    command.option("--tenant <name>", "of this tenant (default: all of remit.config.ts)");
  const json = (command: Command) => command.option("--json", "print one JSON document and nothing else");
  json(tenant(runs.command("list", { isDefault: true })))
    .description("runs, the newest first")
    .option(
      "--status <status>",
      "only those that are running, parked, completed, denied, escalated, failed or cancelled",
    )
    .option("--most <n>", "at most so many", "50")
    .action(async (options) => {
      const { listOwnRuns } = await import("./own-runs.ts");
      done(await listOwnRuns(options, shared()));
    });
  tenant(runs.command("show"))
    .description("tell a run from its journal, entry by entry")
    .argument("<run>", "a run's id or a part of it")
    .option("--payloads", "print what was handed over, asked for and returned")
    .option("--brief", "leave out model turns and bookkeeping")
    .option("--json", "print the raw entries as one JSON document")
    .action(async (run, options) => {
      const { show } = await import("./show.ts");
      done(await show(run, { ...options, own: true }, shared()));
    });
  json(tenant(runs.command("replay")))
    .description("decide a run again from its journal alone, and compare every decision")
    .argument("[run]", "a run's id or a part of it; with --all a tenant")
    .option("--all", "replay every ended run of a tenant")
    .action(async (run, options) => {
      const { replay } = await import("./replay.ts");
      done(await replay(run, { ...options, own: true }, shared()));
    });
  tenant(asSomebody(runs.command("audit"), { own: false }))
    .description("export a run as evidence that others can check")
    .argument("<run>", "a run's id or a part of it")
    .option("--out <file>", "write the evidence there; the file must not exist (default: standard output)")
    .option("--key <file>", "PEM: the private key that signs")
    .action(async (run, options) => {
      const { audit } = await import("./audit.ts");
      done(await audit(run, { ...options, own: true }, shared()));
    });
  addCancel(tenant(asSomebody(runs.command("cancel"), { own: false })), { shared, done, own: true });
}
