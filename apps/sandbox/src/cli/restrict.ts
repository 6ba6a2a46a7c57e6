import { everyTenant, type RestrictionTarget, type SupervisorDefinition } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { minuteText } from "../face/case.ts";
import { count, printable } from "../face/text.ts";
import type { Context, ExitCode } from "./context.ts";
import { findSuite } from "./find.ts";
import { offlineSupervisor } from "./offline.ts";
import { developmentLine, type PersonOptions, personOf } from "./person.ts";
import { openExistingStore } from "./store.ts";

/** The kill switch: takes a tool, an agent or everything away from a suite's runs, also from those that wait. */
export interface RestrictOptions extends PersonOptions {
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
  const { place, out } = context;
  const principal = personOf(options);
  await using store = openExistingStore(place);
  const suite = findSuite(store.workspace, options.suite);
  const supervisor = await offlineSupervisor(store, suite);
  if (kind !== "list") {
    const target = targetOf(kind, name);
    if (options.reason === undefined)
      throw new SandboxError("usage/wrong", { reason: `${verb} needs --reason <text>` });
    if (verb === "restrict" && options.all !== true) mustBeThere(target, supervisor.definition);
    const tenant = options.all === true ? everyTenant : suite.id;
    const changed = await supervisor[verb](target, { tenant, reason: options.reason, principal });
    if (options.json !== true) {
      const what = target.kind === "tenant" ? "everything" : `the ${target.kind} ${target.name}`;
      const whose = options.all === true ? "all suites" : suite.id;
      const said = verb === "restrict" ? "may not be used by" : "may be used again by";
      out.print(
        `${changed ? "" : "As it was before: "}${what} ${said} ${whose} ${out.paint.quiet(`· by ${principal.id}`)}`,
      );
      out.print(developmentLine(out), "");
    }
  }
  const inForce = await supervisor.restrictions(suite.id);
  if (options.json === true) {
    context.json({ command: verb, ok: true, exitCode: 0, suite: suite.id, restrictions: inForce });
    return 0;
  }
  if (inForce.length === 0) out.print(`Nothing is restricted for ${suite.id}.`);
  else out.print(`${count(inForce.length, "restriction")} for ${suite.id}`);
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
function mustBeThere(target: RestrictionTarget, definition: SupervisorDefinition): void {
  if (target.kind === "tenant") return;
  const names = target.kind === "tool" ? [...definition.tools.keys()] : [...agentsOf(definition), undoes];
  if (names.includes(target.name)) return;
  const reason = `${definition.name} has no ${target.kind} "${target.name}"; it has ${names.join(", ")}`;
  throw new SandboxError("usage/wrong", { reason });
}

/** Names of the agents and judges, those of teams inside included. */
function agentsOf({ agents, judges }: SupervisorDefinition): string[] {
  const own = [...agents.values(), judges.compliance, judges.reviewer].filter((agent) => agent !== undefined);
  return own.flatMap((agent) => [agent.name, ...(agent.team ? agentsOf(agent.team) : [])]);
}
