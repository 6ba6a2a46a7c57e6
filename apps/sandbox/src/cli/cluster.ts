import { OrchestrationError } from "@remit/core";
import { type DeploymentView, type RestateOperator, restateOperator, type StuckRun } from "@remit/core/restate";
import { SandboxError } from "../errors.ts";
import { type Cell, table } from "../face/table.ts";
import { count, printable } from "../face/text.ts";
import type { Context, ExitCode } from "./context.ts";
import { interrupted, onInterrupt } from "./interrupt.ts";

/** What an operator does with a Restate cluster, by its admin port alone. */

export interface ClusterOptions {
  readonly admin?: string;
  readonly namespace?: string;
  readonly json?: boolean;
}

/** Where the admin port's addresses are looked for when no option names them. */
export const adminVariable = "REMIT_RESTATE_ADMIN";
const localAdmin = "http://127.0.0.1:9070";

function operatorOf({ admin, namespace }: ClusterOptions): RestateOperator {
  const given = admin ?? process.env[adminVariable] ?? localAdmin;
  const addresses = given.split(",").map((address) => address.trim());
  const wrong = addresses.find((address) => !/^https?:$/.test(URL.parse(address)?.protocol ?? ""));
  if (wrong !== undefined) {
    const reason = `--admin takes addresses such as ${localAdmin}, with commas between them, not "${wrong}"`;
    throw new SandboxError("usage/wrong", { reason });
  }
  return restateOperator({ admin: addresses, ...(namespace === undefined ? {} : { namespace }) });
}

export async function listDeployments(options: ClusterOptions, { out, json }: Context): Promise<ExitCode> {
  const deployments = await operatorOf(options).deployments();
  if (options.json === true) {
    json({ command: "cluster deployments", deployments });
    return 0;
  }
  if (deployments.length === 0) {
    out.print("No deployment serves anything of this installation.");
    return 0;
  }
  const { paint, columns } = out;
  const rows = deployments.map((view): Cell[] => [
    { text: view.id, tint: paint.name },
    { text: printable(view.uri) },
    { text: String(view.runs) },
    { text: String(view.underWay) },
    { text: stateOf(view), tint: view.draining ? paint.warn : paint.good },
  ]);
  const titles = [
    { title: "deployment", atLeast: 20 },
    { title: "address", atLeast: 12 },
    { title: "runs", align: "right" as const },
    { title: "calls", align: "right" as const, spare: 1 },
    { title: "new runs" },
  ];
  out.print(...table(titles, rows, { columns, head: paint.quiet }));
  return 0;
}

function stateOf({ draining, runs, underWay }: DeploymentView): string {
  if (!draining) return "begin here";
  return runs + underWay === 0 ? "none; removable" : "none; draining";
}

export async function listStuck(options: ClusterOptions, { out, json, place }: Context): Promise<ExitCode> {
  const stuck = await operatorOf(options).stuck();
  if (options.json === true) {
    json({ command: "cluster stuck", stuck });
    return 0;
  }
  if (stuck.length === 0) {
    out.print("No run is paused, and none is failing just now.");
    return 0;
  }
  const { paint } = out;
  out.print(paint.strong(`${count(stuck.length, "call")} ${stuck.length === 1 ? "does" : "do"} not come forward`), "");
  for (const one of stuck) out.print(...stuckLines(one, out));
  if (stuck.some(({ status }) => status === "paused")) {
    out.print("", `When the cause is mended: ${place.command("cluster resume")}`);
  }
  return 0;
}

function stuckLines({ run, service, status, tries, reason }: StuckRun, { paint }: Context["out"]): string[] {
  const name = status === "paused" ? paint.bad(status) : paint.warn(status);
  return [
    `${paint.name(printable(run))} ${name} ${paint.quiet(`· after ${count(tries, "try", "tries")} · ${printable(service)}`)}`,
    ...(reason === "" ? [] : [`  ${printable(reason)}`]),
  ];
}

export async function resumeStuck(
  run: string | undefined,
  options: ClusterOptions,
  { out, json }: Context,
): Promise<ExitCode> {
  const resumed = await operatorOf(options).resumePaused(run);
  if (options.json === true) json({ command: "cluster resume", resumed });
  else out.print(`${count(resumed, "paused call")} tried again.`);
  return 0;
}

export interface DrainCommandOptions extends ClusterOptions {
  readonly for: string;
}

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a time such as `90s`, `30m`, `12h` or `2d`. @throws SandboxError `usage/wrong` */
export function durationMs(option: string, text: string): number {
  const [, number, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text.trim()) ?? [];
  if (number !== undefined) return Number(number) * (unitsMs[unit] ?? 0);
  throw new SandboxError("usage/wrong", {
    reason: `${option} takes a time such as 90s, 30m, 12h or 2d, not "${text}"`,
  });
}

/** Exit code 1: at the deadline something still needs the deployment. It stays drained, as after Ctrl-C. */
export async function drain(deployment: string, options: DrainCommandOptions, context: Context): Promise<ExitCode> {
  const { out, err, json, place } = context;
  const deadlineMs = durationMs("--for", options.for);
  using interrupt = onInterrupt(() => err.print("No longer waiting; no new run begins there all the same."));
  let told = "";
  const onLook = (view: DeploymentView) => {
    const text = `${count(view.runs, "run")} and ${count(view.underWay, "call")} need it`;
    if (text !== told && options.json !== true) out.print(text);
    told = text;
  };
  try {
    const view = await operatorOf(options).drain(deployment, { deadlineMs, onLook, signal: interrupt.signal });
    if (options.json === true) json({ command: "cluster drain", ok: true, exitCode: 0, deployment: view });
    else out.print(`Nothing needs it any more: ${place.command(`cluster remove ${deployment}`)}`);
    return 0;
  } catch (thrown) {
    if (interrupt.signal.aborted) return interrupted;
    return stillNeeded("cluster drain", thrown, options, context);
  }
}

export async function undrain(deployment: string, options: ClusterOptions, { out, json }: Context): Promise<ExitCode> {
  await operatorOf(options).undrain(deployment);
  if (options.json === true) json({ command: "cluster undrain", ok: true, exitCode: 0, deployment });
  else out.print(`Runs begin at ${deployment} again.`);
  return 0;
}

export async function remove(deployment: string, options: ClusterOptions, context: Context): Promise<ExitCode> {
  try {
    await operatorOf(options).remove(deployment);
  } catch (thrown) {
    return stillNeeded("cluster remove", thrown, options, context);
  }
  if (options.json === true) context.json({ command: "cluster remove", ok: true, exitCode: 0, deployment });
  else context.out.print(`${deployment} is removed. What has ended can still be read.`);
  return 0;
}

function stillNeeded(command: string, thrown: unknown, options: ClusterOptions, { out, json }: Context): ExitCode {
  if (!OrchestrationError.is(thrown, "engine/still-needed")) throw thrown;
  const { deployment, runs, underWay, some } = thrown.data as {
    readonly deployment: string;
    readonly runs: number;
    readonly underWay: number;
    readonly some: readonly string[];
  };
  if (options.json === true) {
    json({ command, ok: false, exitCode: 1, error: { code: thrown.code, deployment, runs, underWay, some } });
    return 1;
  }
  out.print(`${deployment} is still needed by ${count(runs, "run")} and ${count(underWay, "call")}:`);
  out.print(...some.map((run) => `  ${printable(run)}`), ...(runs > some.length ? ["  …"] : []));
  return 1;
}
