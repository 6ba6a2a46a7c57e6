import { type Command, InvalidArgumentError } from "commander";
import type { Context, ExitCode } from "./context.ts";

/** The commands by which people step in: decide, cancel, take away, undo, do again. */
export function addPeople(
  remit: Command,
  { shared, done }: { readonly shared: () => Context; readonly done: (code: ExitCode) => void },
): void {
  const approvals = remit
    .command("approvals")
    .description("what waits for a person, and people's decisions on it")
    .addHelpText(
      "after",
      `
An address is run/effect; a part of the run's id, or its scenario's name, is enough where it is the only one. After a
decision the run goes on at once, in this process, until it ends or waits again.

Examples:
  remit approvals list
  remit approvals show lost-parcel
  remit approvals approve run_ZDwZ94lW/action#1/tool#1 --reason "the carrier confirmed it"
  remit approvals edit lost-parcel --input '{"orderId":"L-1","amountCents":500}' --reason "shipping only"
  remit approvals answer run_ZDwZ94lW/action#1/tool#1/question#1 --content '{"account":"a-1"}'
`,
    );
  aboutRuns(approvals.command("list", { isDefault: true }))
    .description("what waits, of the newest suite or a named one")
    .argument("[suite]", "a suite, or a part of its id")
    .option("--all", "of all suites")
    .option("--json", "print one JSON document and nothing else")
    .action(async (suite, options) => {
      const { listApprovals } = await import("./approvals.ts");
      done(await listApprovals(suite, options, shared()));
    });
  asSomebody(approvals.command("show"))
    .description("all there is to know of one, and how to decide")
    .argument("<address>", "what waits")
    .option("--reveal", "its arguments in the clear, where your roles are cleared for them; that is recorded")
    .action(async (address, options) => {
      const { showApproval } = await import("./approvals.ts");
      done(await showApproval(address, options, shared()));
    });
  const decides = [
    ["approve", "let it happen, once, with these arguments"],
    ["reject", "do not let it happen; its agent is told why"],
    ["edit", "change its arguments; somebody else has to approve what comes of it"],
  ] as const;
  for (const [decision, description] of decides) {
    const command = asSomebody(approvals.command(decision))
      .description(description)
      .argument("<address>", "what waits")
      .requiredOption("--reason <text>", "why; it is kept, and a rejected agent reads it", said)
      .option(...takeOver);
    if (decision === "edit") command.requiredOption("--input <json>", "all arguments, as they shall be");
    command.action(async (address, options) => {
      const { decideApproval } = await import("./approvals.ts");
      done(await decideApproval(decision, address, options, shared()));
    });
  }

  asSomebody(approvals.command("answer"))
    .description("answer a tool that asks in the midst of its call: yes, unless it is said otherwise")
    .argument("<address>", "the question")
    .option("--content <json>", "what its form asks for, as an object")
    .option("--decline", "no")
    .option("--cancel", "neither yes nor no")
    .option("--reason <text>", "why; it is kept", said)
    .action(async (address, options) => {
      const { answerQuestion } = await import("./answers.ts");
      done(await answerQuestion(address, options, shared()));
    });

  asSomebody(
    remit
      .command("console")
      .description("look at runs, decide and step in, in a browser on this machine")
      .argument("[suite]", "only this suite, or a part of its id (default: all)"),
    { json: false },
  )
    .option("--port <port>", "where to listen (default: as the last time, or a free one)")
    .addHelpText(
      "after",
      `
Listens on 127.0.0.1 alone, and lets in who was given the address that it prints, once. It may be open while suites are
played in the same folder. Ctrl-C ends it.

Examples:
  remit run --filter refund --approver none
  remit console
  remit console order-desk-20260121 --port 4600 --as operator:jo --role staff
`,
    )
    .action(async (suite, options) => {
      const { openConsole } = await import("./console.ts");
      done(await openConsole(suite, options, shared()));
    });

  const letters = remit
    .command("dead-letters")
    .description("runs that failed: look, do again, put aside")
    .addHelpText(
      "after",
      `
Examples:
  remit dead-letters list
  remit dead-letters redrive run_ZDwZ94lW
  remit dead-letters dismiss run_ZDwZ94lW --reason "answered by mail"
`,
    );
  aboutRuns(letters.command("list", { isDefault: true }))
    .description("failed runs that nobody has dealt with")
    .argument("[suite]", "a suite, or a part of its id (default: the newest)")
    .option("--json", "print one JSON document and nothing else")
    .action(async (suite, options) => {
      const { listLetters } = await import("./letters.ts");
      done(await listLetters(suite, options, shared()));
    });
  aboutRuns(letters.command("show"))
    .description("why it failed, and what of it stands outside")
    .argument("<run>", "a run's id or a part of it, or a scenario's name")
    .option("--json", "print one JSON document and nothing else")
    .action(async (run, options) => {
      const { showLetter } = await import("./letters.ts");
      done(await showLetter(run, options, shared()));
    });
  asSomebody(letters.command("redrive"))
    .description("start a new run with the same input in its place, once")
    .argument("<run>", "a run's id or a part of it, or a scenario's name")
    .action(async (run, options) => {
      const { redriveLetter } = await import("./letters.ts");
      done(await redriveLetter(run, options, shared()));
    });
  asSomebody(letters.command("dismiss"))
    .description("put it aside")
    .argument("<run>", "a run's id or a part of it, or a scenario's name")
    .requiredOption("--reason <text>", "why", said)
    .action(async (run, options) => {
      const { dismissLetter } = await import("./letters.ts");
      done(await dismissLetter(run, options, shared()));
    });

  addCancel(asSomebody(remit.command("cancel")), { shared, done });

  for (const verb of ["restrict", "lift"] as const) {
    asSomebody(remit.command(verb))
      .description(
        verb === "restrict"
          ? "take a tool, an agent or everything away from a suite's runs, at once"
          : "give back what was taken away",
      )
      .argument("<kind>", "tool, agent or tenant; list shows what is taken away")
      .argument("[name]", "name of the tool or the agent")
      .option("--reason <text>", "why", said)
      .option("--suite <suite>", "a suite, or a part of its id (default: the newest)")
      .option("--all", "for all suites, those to come included")
      .addHelpText(
        "after",
        `
Holds for runs that are under way and for those that wait: each call is looked at again when it is made.

Examples:
  remit ${verb} tool refund_order --reason "the payment provider is down"
  remit ${verb} tenant --suite order-desk-20260121 --reason "an incident"
  remit ${verb} list
`,
      )
      .action(async (kind, name, options) => {
        const { restrict } = await import("./restrict.ts");
        done(await restrict(verb, kind, name, options, shared()));
      });
  }

  asSomebody(remit.command("compensate"))
    .description("undo what an ended run did, where its tools name a way back")
    .argument("<run>", "a run's id or a part of it, or a scenario's name")
    .option("--effect <path...>", "only these effects, such as action#1/tool#1")
    .addHelpText(
      "after",
      `
The undo is a run of its own: with keys, and with approvals where its risk asks for them. What is undone is not undone twice.

Examples:
  remit compensate run_ZDwZ94lW
`,
    )
    .action(async (run, options) => {
      const { compensate } = await import("./compensate.ts");
      done(await compensate(run, options, shared()));
    });
}

/**
 * Options of commands that somebody gives.
 * @param own whether they can be about the person's own application
 */
export function asSomebody(
  command: Command,
  { json = true, own = true }: { readonly json?: boolean; readonly own?: boolean } = {},
): Command {
  (own ? aboutRuns(command) : command)
    .option("--as <kind:id>", "who does it, such as operator:jo (default: the system's user)")
    .option("--role <role...>", "roles that they have (default: staff)");
  return json ? command.option("--json", "print one JSON document and nothing else") : command;
}

/** Whose runs a command is about. */
function aboutRuns(command: Command): Command {
  return command
    .option("--own", "of your own application (remit.config.ts), not of a suite")
    .option("--tenant <name>", "of your own application, of this tenant");
}

const takeOver = ["--take-over", "act on a run of your own though another process may be driving it"] as const;

/** The command that cancels a run, of a suite or of the person's own application. */
export function addCancel(
  command: Command,
  {
    shared,
    done,
    own,
  }: { readonly shared: () => Context; readonly done: (code: ExitCode) => void; readonly own?: true },
): void {
  const named = own ? "a run's id or a part of it" : "a run's id or a part of it, or a scenario's name";
  command
    .description("cancel a run, or one agent of it with all that works for it")
    .argument("<run>", named)
    .requiredOption("--reason <text>", "why", said)
    .option("--subtree <path>", "only this agent instance, such as action#1; its supervisor goes on")
    .option(...takeOver)
    .addHelpText(
      "after",
      `
Nothing is dispatched after it. Writes under way are settled, or said to be unknown.

Examples:
  remit cancel lost-parcel --reason "the customer called"
  remit cancel run_ZDwZ94lW --subtree action#1 --reason "goes round in circles"
`,
    )
    .action(async (run, options) => {
      const { cancel } = await import("./cancel.ts");
      done(await cancel(run, { ...options, ...(own ? { own } : {}) }, shared()));
    });
}

/** Why somebody steps in: the words are kept, so there have to be some. */
function said(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("Say why; it is kept.");
  return text;
}
