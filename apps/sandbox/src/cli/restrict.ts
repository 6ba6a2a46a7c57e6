import { everyTenant, type RestrictionTarget, type SupervisorDefinition } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { minuteText } from "../face/case.ts";
import { count, printable } from "../face/text.ts";
import { agentsIn } from "../suite/agents-in.ts";
import type { WhoseRuns } from "./books.ts";
import type { Context, ExitCode } from "./context.ts";
import { openBooks } from "./open-books.ts";
import { developmentLine, type PersonOptions, personOf } from "./person.ts";

/** The kill switch: takes a tool, an agent or everything away from a suite's runs, also from those that wait. */
export interface RestrictOptions extends PersonOptions, WhoseRuns {
  readonly reason?: string;
  readonly suite?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export async function restrict(
  verb: "restrict" | "lift",
  kind: string,
  name: string | undefined,
  options: RestrictOptions,
  context: Context,
): Promise<ExitCode> {
  const { out } = context;
  const principal = personOf(options);
  await using books = await openBooks(options, context);
  const named = books.named(options.suite);
  const all = await books.supervisors(named);
  const [supervisor] = all;
  if (!supervisor) throw new SandboxError("usage/wrong", { reason: "there is no supervisor" });
  if (kind !== "list") {
    const target = targetOf(kind, name);
    if (options.reason === undefined)
      throw new SandboxError("usage/wrong", { reason: `${verb} needs --reason <text>` });
    if (verb === "restrict" && options.all !== true)
      mustBeThere(
        target,
        all.map(({ definition }) => definition),
      );
    const tenant = options.all === true ? everyTenant : named;
    const changed = await supervisor[verb](target, { tenant, reason: options.reason, principal });
    if (options.json !== true) {
      const what = target.kind === "tenant" ? "everything" : `the ${target.kind} ${target.name}`;
      const whose = options.all === true ? `all ${books.kind}s` : named;
      const said = verb === "restrict" ? "may not be used by" : "may be used again by";
      out.print(
        `${changed ? "" : "As it was before: "}${what} ${said} ${whose} ${out.paint.quiet(`· by ${principal.id}`)}`,
      );
      out.print(developmentLine(out), "");
    }
  }
  const inForce = await supervisor.restrictions(named, { principal });
  if (options.json === true) {
    context.json({ command: verb, ok: true, exitCode: 0, [books.kind]: named, restrictions: inForce });
    return 0;
  }
  if (inForce.length === 0) out.print(`Nothing is restricted for ${named}.`);
  else out.print(`${count(inForce.length, "restriction")} for ${named}`);
  for (const { target, reason, principal: by, at } of inForce) {
    const what = target.kind === "tenant" ? "everything" : `${target.kind} ${target.name}`;
    out.print(`  ${printable(what)}: ${printable(reason)} ${out.paint.quiet(`· ${by.id}, ${minuteText(at)}`)}`);
  }
  return 0;
}

function targetOf(kind: string, name: string | undefined): RestrictionTarget {
  if (kind === "tenant" && name === undefined) return { kind };
  if ((kind === "tool" || kind === "agent") && name !== undefined) return { kind, name };
  const reason = `give "tool <name>", "agent <name>" or "tenant", not "${[kind, name].filter(Boolean).join(" ")}"`;
  throw new SandboxError("usage/wrong", { reason });
}

/** Stands for an agent where the writes of an ended run are undone. */
const undoes = "compensation";

/** A name that nobody has takes nothing away, and whoever misspelt it would think otherwise. */
function mustBeThere(target: RestrictionTarget, all: readonly SupervisorDefinition[]): void {
  if (target.kind === "tenant") return;
  const names =
    target.kind === "tool"
      ? all.flatMap(({ tools }) => [...tools.keys()])
      : [...all.flatMap((definition) => [...agentsIn(definition).keys()]), undoes];
  if (names.includes(target.name)) return;
  const reason = `${all.map(({ name }) => name).join(", ")} has no ${target.kind} "${target.name}"; it has ${names.join(", ")}`;
  throw new SandboxError("usage/wrong", { reason });
}
