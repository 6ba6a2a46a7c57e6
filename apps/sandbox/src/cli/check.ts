import { type CheckReport, checkSupervisor, type Finding } from "@remit/core";
import { printable } from "../face/text.ts";
import { choosePack } from "./choose-pack.ts";
import type { Context, ExitCode } from "./context.ts";
import { offlineTeam } from "./offline-team.ts";
import { projectTeams } from "./project-teams.ts";
import { type CheckedTeam, isFile, teamsOfFile } from "./team-file.ts";

export interface CheckCommandOptions {
  readonly tau2?: string;
  readonly versions?: boolean;
  readonly strict?: boolean;
  readonly json?: boolean;
}

type Checked = CheckReport & { readonly supervisor: string };

/** Looks for what is wrong with a pack's supervisor, or with those of a file or of the project. Starts no server. Exit code 1 for an error. */
export async function check(
  wanted: string | undefined,
  options: CheckCommandOptions,
  context: Context,
): Promise<ExitCode> {
  const { versions = false, strict = false } = options;
  const reports = (await teamsOf(wanted, options, context)).map((team): Checked => {
    const report = checkSupervisor(team.definition, { ...team.options, ...(versions ? { versions } : {}) });
    return { supervisor: team.definition.name, ...report };
  });
  const fails = ({ ok, findings }: Checked) => !ok || (strict && findings.length > 0);
  const exitCode = reports.some(fails) ? 1 : 0;
  if (options.json === true) {
    context.json({ command: "check", ok: exitCode === 0, exitCode, supervisors: reports });
    return exitCode;
  }
  for (const report of reports) context.out.print(...reportLines(report, context));
  return exitCode;
}

async function teamsOf(
  wanted: string | undefined,
  options: CheckCommandOptions,
  context: Context,
): Promise<readonly CheckedTeam[]> {
  const { place, project } = context;
  if (wanted !== undefined && isFile(wanted)) return teamsOfFile(place.resolve(wanted));
  const { tau2 } = options;
  const config = wanted === undefined && tau2 === undefined ? await project.config() : undefined;
  const own = config ? await projectTeams(config) : [];
  if (own.length > 0) return own.map((definition) => ({ definition, options: {} }));
  return [{ definition: offlineTeam((await choosePack({ pack: wanted, tau2 }, context)).pack), options: {} }];
}

function reportLines({ supervisor, findings, visited }: Checked, { out }: Context): string[] {
  const { paint } = out;
  const count = (severity: Finding["severity"]) => findings.filter((one) => one.severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  const told = `${counted(errors, "error")}, ${counted(warnings, "warning")}`;
  const looked = paint.quiet(`· ${counted(visited.agents, "agent")} looked at`);
  const mark = errors > 0 ? paint.bad("✗") : warnings > 0 ? paint.warn("!") : paint.good("✓");
  return [
    ...findings.flatMap(({ severity, code, path, message, hint }) => [
      `${severity === "error" ? paint.bad("error  ") : paint.warn("warning")} ${paint.strong(code)}`,
      `  ${printable(message)}`,
      `  ${paint.name(printable(path.join(" → ")))}`,
      `  ${paint.quiet(printable(hint))}`,
      "",
    ]),
    `${mark} ${paint.strong(printable(supervisor))}: ${told} ${looked}`,
  ];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
