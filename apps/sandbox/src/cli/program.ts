import { existsSync, readFileSync } from "node:fs";
import { Command, CommanderError, Help } from "commander";
import { nearest } from "../face/nearest.ts";
import type { Context, ExitCode } from "./context.ts";
import { addCluster } from "./program-cluster.ts";
import { addKpi, collected } from "./program-kpi.ts";
import { addOwn } from "./program-own.ts";
import { addPeople } from "./program-people.ts";

/**
 * The command line as a person sees it: names, options, help. What a command does is loaded when it is called, so that
 * `--help` and `--version` load neither the packs nor an SDK.
 */
export interface ProgramOptions {
  /** Made when a command begins, from the options that all commands share. */
  readonly context: (
    shared: { readonly state?: string; readonly config?: string },
    usesState: boolean,
  ) => Promise<Context>;
  readonly done: (code: ExitCode) => void;
}

/** Commands that open no state folder. */
const stateless: ReadonlySet<string> = new Set(["graph", "check", "cluster", "runs"]);

const exitCodes = `
Exit codes:
  0  all is well
  1  something did not pass: a check of the model oracle, a violation with any model, a gate that was missed, a replay
     that differs, an error that check has found
  2  wrong usage or input
  130  stopped by Ctrl-C
`;

export function program({ context, done }: ProgramOptions): Command {
  const remit = new Command("remit")
    .description("Plays scenarios of agent teams, and shows, replays and resumes their runs. Without a command: demo.")
    .option(
      "--state <folder>",
      "folder of the journal and the reports (default: .remit where you are, or as remit.config.ts says)",
    )
    .option("--config <file>", "the project's remit.config.ts (default: the nearest one from where you are upwards)")
    .option("--debug", "print where an error comes from")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showSuggestionAfterError(true)
    .exitOverride()
    .addHelpText(
      "after",
      `
Examples:
  remit                                     a run as it happens, then all scenarios, then a report
  remit run --filter refund                 the scenarios about refunds
  remit run --tau2 ../tau2-bench/data/tau2/domains/retail
  remit run --model noisy --seed 1..20      models that make mistakes
  remit show a-tool-of-somebody-else        what happened in the newest run of that scenario
  remit replay --all                        decide all runs again, offline
  remit kpi                                 what the newest suite comes to in numbers
  remit approvals                           what waits for a person
  remit console                             all of it in a browser
  remit runs list                           the runs of your own application
${exitCodes}`,
    );
  let here: Context | undefined;
  remit.hook("preAction", async (_, action) => {
    const words = [];
    for (let one: Command | null = action; one && one !== remit; one = one.parent) words.unshift(one.name());
    here = await context(remit.opts(), !stateless.has(words[0] ?? ""));
  });
  const shared = (): Context => {
    if (!here) throw new Error("a command began without its context");
    return here;
  };

  remit
    .command("demo", { isDefault: true })
    .description("one run as it happens, then all scenarios of the order desk, then a report")
    // A word that is no command arrives here, because this one is the default.
    .allowExcessArguments()
    .action(async (_options: unknown, command: Command) => {
      const [unknown] = command.args;
      if (unknown !== undefined) throw unknownCommand(remit, unknown);
      const { demo } = await import("./demo.ts");
      done(await demo(shared()));
    });

  remit
    .command("run")
    .description("play a pack's scenarios and write a report")
    .argument(
      "[pack]",
      "order-desk, code-desk, crm-desk, files-desk, invoice-desk, operations-desk, supply-desk, tau2-retail or tau2-telecom; one of remit.config.ts, or a file such as ./claims/pack.ts (default: the project's only pack, or order-desk)",
    )
    .option(
      "--tau2 <folder>",
      "play the tasks of tau2-bench's retail or telecom domain: its folder, a checkout, or one file of telecom tasks",
    )
    .option(
      "--scenarios <path>",
      "play your own YAML scenarios, a file or a folder, on the order desk or your own pack",
    )
    .option("--invoices <folder>", "play the invoice desk on your own invoices (UBL or CII as .xml, and .pdf)")
    .option("--agentdojo <folder>", "attack the suites of a folder in AgentDojo's form, or one suite")
    .option("--injecagent <folder>", "attack with the goals of InjecAgent (attacks.jsonl, carrier.json)")
    .option("--asb <folder>", "attack with the tools of Agent Security Bench")
    .option(
      "--bfcl <folder>",
      "play function-calling conversations in the form of BFCL (multi_turn_*.jsonl, func_doc/)",
    )
    .option("--suite <name>", "only this suite of --agentdojo")
    .option("--policy <file>", "a policy file in place of the one that is shipped for the suite")
    .option("--template <name>", "only this wording of injections")
    .option("--encodings <n | all | none>", "hidden wordings of each case beside the plain ones (default: 3, in turn)")
    .option("--filter <text>", "only scenarios whose name, title or tags hold the text")
    .option(
      "--model <name>",
      "oracle plays the ground truth (default), noop never acts, noisy makes seeded mistakes; or a live one: openai:<name>, anthropic:<name>, compatible:<name>",
    )
    .option("--base-url <url>", "the server of a live model; compatible:<name> needs one")
    .option("--routes <file>", "a YAML file that says which live model is asked under which alias, and prices")
    .option("--spend-limit <usd>", "what live models may cost in all (default: 1.00), or none")
    .option("--record <folder>", "write what the models are asked and say into files of this folder")
    .option("--replay <folder>", "play a recording: its files answer for the models, and nothing else is asked")
    .option("--seed <n | a..b>", "seed of the mistakes; a range plays one suite for each and adds up (default: 1)")
    .option("--concurrency <n>", "scenarios at the same time (default: 8, of live models 4, of a recording 1)")
    .option(
      "--approver <name>",
      "auto approves whatever waits for a person (default), none leaves it waiting; under attack: none, ground-truth or blind (default: all three)",
    )
    .option("--watch <scenario>", "tell this scenario entry by entry, before the others")
    .option("--seal", "seal personal data and secrets before they are journaled, under a key in the state folder")
    .option(
      "--gate <bound>",
      "a KPI that the runs have to keep, such as containment>=0.6; may be given often",
      collected,
    )
    .option("--gates <file>", "a YAML list of such bounds")
    .option("--json", "print one JSON document and nothing else")
    .option("--no-report", "write no HTML report")
    .addHelpText(
      "after",
      `
With oracle every check has to hold. With all others the right end is not expected: checks and scores are told, and
the exit code is 1 only for a spend limit that was reached, a gate that was missed, and for violations, which are a
call outside its agent's allowlist that ran, a payload outside a contract that arrived, a write that happened twice,
and one that happened without the verdict or the approvals that it needs.

With --approver none, writes that need a person do not happen and their runs wait: \`remit approvals\` shows them, and
\`remit resume --approver auto\` has them all approved. Runs that wait are no failure.

Live models take their keys from the environment: OPENAI_API_KEY, ANTHROPIC_API_KEY, and COMPATIBLE_API_KEY where a
server wants one. Keys are kept nowhere. A server on this machine costs nothing unless a routes file gives a price.

Attack suites are played by the model worst-case, which obeys every instruction that it reads, or by oracle, which plays
the users' tasks alone. The last lines tell success of attacks, utility and approvals together, with governance and
without. The exit code is 1 when an attack got through that nobody had approved, and when a user's task did not come out
right with somebody who approves it.

Function-calling conversations are played by the model oracle, which plays ground truth, or by eager, which first calls what
is withheld, guesses where it should ask, and calls what does not fit. Nothing is behind the functions, so calls are compared
and end states are not. The exit code is 1 when anything did not come out right.

A recording holds no key, header or address, and belongs beside the tests. A replay plays its scenarios and seeds, needs
no key and no network, and gives the same journals each time. A request that is not in it fails its run, with the nearest
one that is; exchanges that nobody asked for are told. The exit code is 1 when one was missing.

Examples:
  remit run
  remit run --filter voucher --watch voucher-afterwards
  remit run --scenarios my-scenarios/
  remit run ./claims/pack.ts
  remit run --tau2 ../tau2-bench/data/tau2/domains/retail --json > result.json
  remit run --model noisy --seed 1..20 --no-report
  remit run --filter refund --approver none
  remit run --model openai:gpt-5-mini --spend-limit 0.50
  remit run --model compatible:qwen3:8b --base-url http://127.0.0.1:11434/v1
  remit run --routes routes.yaml
  remit run --model openai:gpt-5-mini --filter refund --record recordings/refund
  remit run --replay recordings/refund
  remit run --gate 'containment>=0.4' --gate 'success[refund]>=100%' --gate 'violations<=0'
  remit run --agentdojo suites/ --model worst-case
  remit run --agentdojo suites/ --suite banking --model oracle --approver none
  remit run --bfcl conversations/ --model eager
${exitCodes}`,
    )
    .action(async (pack, options) => {
      const { run } = await import("./run.ts");
      done(await run(pack, options, shared()));
    });

  remit
    .command("list")
    .description("list suites and their runs, or a pack's scenarios")
    .argument("[suite]", "a suite, or a part of its id; with --scenarios a pack")
    .option("--scenarios", "list scenarios instead")
    .option("--tau2 <folder>", "list the tasks of a tau2-bench checkout")
    .option("--filter <text>", "only scenarios whose name, title or tags hold the text")
    .option("--all", "leave nothing out")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText(
      "after",
      `
Examples:
  remit list
  remit list order-desk-20260121            the runs of the suite with this in its id
  remit list --scenarios --filter language
`,
    )
    .action(async (suite, options) => {
      const { list } = await import("./list.ts");
      done(await list(suite, options, shared()));
    });

  remit
    .command("show")
    .description("tell a run from its journal, entry by entry")
    .argument("<run>", "a run's id or a part of it, or a scenario's name for its newest run")
    .option("--payloads", "print what was handed over, asked for and returned")
    .option("--brief", "leave out model turns and bookkeeping")
    .option("--json", "print the raw entries as one JSON document")
    .addHelpText(
      "after",
      `
Examples:
  remit show run_ZDwZ94lW
  remit show a-tool-of-somebody-else --payloads
  remit show run_ZDwZ94lW --json | jq '.entries[] | select(.type == "tool.denied")'
`,
    )
    .action(async (run, options) => {
      const { show } = await import("./show.ts");
      done(await show(run, options, shared()));
    });

  remit
    .command("replay")
    .description("decide a run again from its journal alone, and compare every decision")
    .argument("[run]", "a run's id or a part of it, or a scenario's name; with --all a suite")
    .option("--all", "replay every ended run of a suite, the newest when none is named")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText(
      "after",
      `
Needs no server, no model and no network. First the hash chain is checked, then every input is applied again and every
decision compared. An entry that was changed is named, and the exit code is 1.

Examples:
  remit replay run_ZDwZ94lW
  remit replay --all
`,
    )
    .action(async (run, options) => {
      const { replay } = await import("./replay.ts");
      done(await replay(run, options, shared()));
    });

  remit
    .command("audit")
    .description("export a run as evidence that others can check, or check such a file")
    .argument("[run]", "a run's id or a part of it, or a scenario's name for its newest run")
    .option("--out <file>", "write the evidence there; the file must not exist (default: standard output)")
    .option("--verify <file>", "check a file of evidence instead")
    .option("--key <file>", "PEM: to export, the private key that signs; to verify, the public key that counts")
    .option("--as <who>", "who exports, such as operator:jo (default: the system's user)")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText(
      "after",
      `
The file holds the run's entries as they are stored, its payloads, its checkpoints and what belongs to it elsewhere. It is
checked here, or by docs/verify/verify-audit.mjs, which is one file and needs Node alone. The first entry that is not what
was written is named, and the exit code is 1.

Examples:
  openssl genpkey -algorithm ed25519 -out auditor.pem
  openssl pkey -in auditor.pem -pubout -out auditor.pub
  remit audit a-refund-that-is-edited --out refund.jsonl --key auditor.pem
  remit audit --verify refund.jsonl --key auditor.pub
`,
    )
    .action(async (run, options) => {
      const { audit } = await import("./audit.ts");
      done(await audit(run, options, shared()));
    });

  remit
    .command("resume")
    .description("go on with a suite that was cut off")
    .argument("[suite]", "a suite, or a part of its id (default: the newest one that is not done)")
    .option("--concurrency <n>", "scenarios at the same time (default: 8, of live models 4)")
    .option("--approver <name>", "auto or none, from now on (default: as the suite began)")
    .option("--json", "print one JSON document and nothing else")
    .option("--no-report", "write no HTML report")
    .addHelpText(
      "after",
      `
What has ended is not played again. What was under way goes on from its journal: results that were durable stay, and a
write whose outcome is unknown is settled under its key, so that it happens once.

Examples:
  remit resume
  remit resume order-desk-20260121-153012
`,
    )
    .action(async (suite, options) => {
      const { resume } = await import("./resume.ts");
      done(await resume(suite, options, shared()));
    });

  addKpi(remit, { shared, done });
  addPeople(remit, { shared, done });
  addOwn(remit, { shared, done });
  addCluster(remit, { shared, done });

  remit
    .command("graph")
    .description("print a pack's supervisor: agents, edges, guards")
    .argument(
      "[pack]",
      "a pack as for run, or a supervisor of remit.config.ts (default: the project's only one, or order-desk)",
    )
    .option("--tau2 <folder>", "folder of a tau2-bench checkout, for tau2-retail and tau2-telecom")
    .option("--format <name>", "mermaid, or xstate for the machine as JSON", "mermaid")
    .addHelpText(
      "after",
      `
Starts no server. Paste the first form into anything that draws Mermaid, the second into an XState tool.

Examples:
  remit graph
  remit graph --format xstate > desk.json
`,
    )
    .action(async (pack, options) => {
      const { graph } = await import("./graph.ts");
      done(await graph(pack, options, shared()));
    });

  remit
    .command("check")
    .description("look for what is wrong with a supervisor before anything starts")
    .argument(
      "[pack | file]",
      "a pack, or a module of your own that exports supervisors (default: all of remit.config.ts, or order-desk)",
    )
    .option("--tau2 <folder>", "folder of a tau2-bench checkout, for tau2-retail and tau2-telecom")
    .option("--versions", "also name what holds functions and has no version of its own")
    .option("--strict", "warnings fail too")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText(
      "after",
      `
Starts no server and asks no model. A file is run to get at what it exports: supervisors, and \`checkOptions\` for what they
will be run with. The exit code is 1 for a finding of severity error.

Examples:
  remit check
  remit check files-desk
  remit check ./desk.ts --strict --json
`,
    )
    .action(async (wanted, options) => {
      const { check } = await import("./check.ts");
      done(await check(wanted, options, shared()));
    });

  remit
    .command("policy")
    .description("check and test a policy, or ask it about runs of the past")
    .argument("<what>", "check, test or diff")
    .argument(
      "[file]",
      "a .cedar file, or a module of your own that exports a policy (default: that of remit.config.ts)",
    )
    .option("--policy <file>", "the same as the argument")
    .option("--runs <suite | run>", "with diff: a suite or a run, or a part of its id (default: the newest suite)")
    .option(
      "--for <pack | file>",
      "the supervisor that it is for (default: the module's own, the project's, or order-desk)",
    )
    .option("--json", "print one JSON document and nothing else")
    .addHelpText(
      "after",
      `
No model is asked and no tool is called. check holds the policy against the names and schemas of its supervisor; test asks
the module's \`cases\`; diff decides runs again from their journals and shows which decisions would be others. The exit code
of check and test is 1 where something does not hold.

Examples:
  remit policy check refunds.cedar --for ./desk.ts
  remit policy test ./policy.ts
  remit policy diff --runs order-desk-20260121 --policy ./policy.ts
`,
    )
    .action(async (what, file, options) => {
      const { policyCommand } = await import("./policy.ts");
      done(await policyCommand(what, file, options, shared()));
    });
  return remit;
}

/** @param group the program, or a command that has others of its own */
export function unknownCommand(group: Command, name: string): CommanderError {
  const known = new Help().visibleCommands(group).map((command) => command.name());
  const whole = group.parent ? `${group.name()} ${name}` : name;
  const near = nearest(name, known);
  const others = near === undefined ? `there are ${known.join(", ")}` : `did you mean ${near}?`;
  return new CommanderError(2, "remit.unknownCommand", `there is no command "${whole}"; ${others}`);
}

/** The version in this package's manifest, which lies one or two folders up (source, build). */
export function version(): string {
  for (const up of ["../../package.json", "../../../package.json"]) {
    const file = new URL(up, import.meta.url);
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, "utf8")) as { readonly name?: string; readonly version?: string };
    if (manifest.name === "@remit/sandbox" && manifest.version !== undefined) return manifest.version;
  }
  return "0.0.0";
}
