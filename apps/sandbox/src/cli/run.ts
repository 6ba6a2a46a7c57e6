import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { checkGates, type Gate, kpiTally } from "@remit/core/kpi";
import { SandboxError } from "../errors.ts";
import { gateLines, kpiLines, readingsOf, tagLines } from "../face/kpi.ts";
import { failureLines, recordingLines, scenarioTable, seedTable, totalLines } from "../face/summary.ts";
import { count, printable, wrap } from "../face/text.ts";
import { type ApproverName, approverNames, isApproverName } from "../suite/approver.ts";
import { clearRecording, type RecordingFile, readRecording, recordedScenarios } from "../suite/recording.ts";
import type { SuiteReport } from "../suite/report.ts";
import { keyFile } from "../suite/sealing.ts";
import { isContent, totalsOf } from "../suite/totals.ts";
import type { SuiteModel } from "../suite/workspace.ts";
import { type AttackWish, assertNoAttackDetail, isAttackWish, runAttacks } from "./attacks.ts";
import { choosePack } from "./choose-pack.ts";
import { chosenModel, defaultConcurrency, type ModelWish, modelText, replayedModel } from "./chosen-model.ts";
import type { Context, ExitCode } from "./context.ts";
import { filtered } from "./filtered.ts";
import { type FunctionsWish, runFunctions } from "./functions.ts";
import { assertTags, type GateWish, gatesOf } from "./gates.ts";
import { interrupted, onInterrupt } from "./interrupt.ts";
import { seedsIn, wholeNumber } from "./number.ts";
import { offlineTeam } from "./offline-team.ts";
import type { Place } from "./place.ts";
import type { Played } from "./play.ts";
import { openStore, repeatable } from "./store.ts";

export interface RunOptions extends ModelWish, AttackWish, FunctionsWish, GateWish {
  readonly tau2?: string;
  readonly scenarios?: string;
  readonly invoices?: string;
  readonly filter?: string;
  readonly seed?: string;
  readonly concurrency?: string;
  readonly approver?: string;
  readonly watch?: string;
  readonly seal?: boolean;
  readonly json?: boolean;
  readonly report: boolean;
}

/** Plays a pack's scenarios, one suite for each seed. */
export async function run(packName: string | undefined, options: RunOptions, context: Context): Promise<ExitCode> {
  const gates = gatesOf(options, context.place);
  if (isAttackWish(options)) {
    if (gates.length > 0)
      throw new SandboxError("usage/wrong", { reason: "attack suites have gates of their own: leave --gate out" });
    if (packName !== undefined)
      throw new SandboxError("usage/wrong", { reason: `attack suites are no pack ${packName}` });
    const unfit = firstOf(options, [...ofPacks, "bfcl", "filter"]);
    if (unfit !== undefined) throw new SandboxError("usage/wrong", { reason: `attack suites take no ${unfit}` });
    return runAttacks(options, context);
  }
  if (options.bfcl !== undefined) {
    const unfit =
      packName !== undefined ? `pack ${packName}` : gates.length > 0 ? "--gate" : unfitForFunctions(options);
    if (unfit !== undefined) {
      throw new SandboxError("usage/wrong", {
        reason: `--bfcl takes --model, --filter and --json beside it: leave ${unfit} out`,
      });
    }
    return runFunctions(options, context);
  }
  assertNoAttackDetail(options);
  const { place, out, err } = context;
  const { model, known } = modelsOf(options, place);
  const recorded = known && recordedScenarios(known.folder);
  const seeds = recorded && options.seed === undefined ? [...recorded.keys()] : seedsIn(options.seed ?? "1");
  const approver = approverOf(options.approver ?? known?.file.approver ?? "auto");
  const concurrency = wholeNumber("--concurrency", options.concurrency ?? defaultConcurrency(model), 1, 64);
  const json = options.json === true;
  if (json && options.watch !== undefined) {
    throw new SandboxError("usage/wrong", { reason: "--watch tells a story and --json must not: give one of the two" });
  }
  const { tau2, scenarios: own, invoices } = options;
  const folders = tau2 ?? own ?? invoices;
  const named = packName ?? (folders === undefined ? known?.file.pack : undefined);
  const { chosen, pack } = await choosePack({ pack: named, tau2, scenarios: own, invoices }, context);
  if (known && known.file.pack !== chosen.name) {
    throw new SandboxError("usage/wrong", { reason: `the recording is of the pack ${known.file.pack}` });
  }
  const wanted = filtered(pack.scenarios(), options.filter);
  const isRecorded = (name: string, seed: number) => recorded?.get(seed)?.includes(name) ?? recorded === undefined;
  const scenarios = wanted.filter(({ name }) => seeds.some((seed) => isRecorded(name, seed)));
  if (scenarios.length === 0) {
    const reason = recorded
      ? "the recording has none of the scenarios that are meant"
      : `${pack.name} has no scenarios`;
    throw new SandboxError("usage/wrong", { reason });
  }
  if (options.watch !== undefined && !scenarios.some(({ name }) => name === options.watch)) {
    throw new SandboxError("scenario/unknown", { filter: options.watch });
  }
  assertTags(gates, scenarios);
  if (model.name === "workflow" && !model.live && !pack.workflow) {
    throw new SandboxError("usage/wrong", { reason: `${pack.name} has no procedure for --model workflow to follow` });
  }
  // Whoever lacks a key, a price or a route hears of it before anything is opened.
  if (model.live && !known) {
    const { liveModels } = await import("../model/live.ts");
    await liveModels(model.live, offlineTeam(pack).aliases, { env: process.env });
  }
  const { newSuites, play } = await import("./play.ts");
  const suites = newSuites({
    pack: chosen,
    model,
    seeds,
    approver,
    scenarios: (seed) => scenarios.flatMap(({ name }) => (isRecorded(name, seed) ? [name] : [])),
    now: new Date(),
    sealed: options.seal,
    id: known && freeId(place, `${chosen.name}-replay`),
  });
  if (model.recording?.mode === "record") {
    const about = { pack: pack.name, model, seeds, scenarios: scenarios.map(({ name }) => name) };
    clearRecording(model.recording.folder, about);
  }

  if (options.seal === true) {
    const file = place.shown(keyFile(place.state));
    err.print(
      err.paint.warn(
        `The key to what is sealed lies in ${file}: good for development, and no secret from whoever has the folder.`,
      ),
    );
  }
  await using store = known ? openStore(place, repeatable) : openStore(place);
  using interrupt = onInterrupt(() => {
    err.print("", "Stopping: what is under way comes to its end. Ctrl-C again ends at once.");
  });
  const screen = json ? (err.live ? err : undefined) : out;
  if (!json) {
    const { strong, quiet } = out.paint;
    out.print(
      `${strong(printable(pack.title))} ${quiet(`· ${modelText(model)}${seeds.length > 1 ? `, seeds ${options.seed ?? seeds.join(", ")}` : ""} · ${count(scenarios.length, "scenario")}`)}`,
    );
  }
  const played = await play({
    place,
    store,
    pack,
    suites,
    concurrency,
    screen,
    watch: options.watch,
    report: options.report,
    interrupt,
  });
  return conclude(played, { command: "run", json, gates }, context);
}

/** An option that says nothing where functions are played. */
function unfitForFunctions(options: RunOptions): string | undefined {
  return firstOf(options, [...ofPacks, "approver", "suite", "template", "encodings", "policy"]);
}

/** What is said of a pack's scenarios and of its models, and means nothing to other plays. */
const ofPacks = [
  "tau2",
  "scenarios",
  "invoices",
  "seed",
  "concurrency",
  "watch",
  "seal",
  "record",
  "replay",
  "baseUrl",
  "routes",
  "spendLimit",
] as const satisfies readonly (keyof RunOptions)[];

/** The first of these that the person gave, as they wrote it. */
function firstOf(options: RunOptions, names: readonly (keyof RunOptions)[]): string | undefined {
  const given = names.find((name) => options[name] !== undefined);
  return given && `--${given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The models that are meant, and the recording that they are played from. @throws SandboxError */
function modelsOf(
  options: RunOptions,
  place: Place,
): {
  readonly model: Omit<SuiteModel, "seed">;
  readonly known?: { readonly folder: string; readonly file: RecordingFile };
} {
  const { record, replay } = options;
  if (replay !== undefined) {
    const folder = place.resolve(replay);
    const file = readRecording(folder);
    return { model: replayedModel(options, folder, file), known: { folder, file } };
  }
  const model = chosenModel(options, place);
  if (record === undefined) return { model };
  return { model: { ...model, recording: { folder: place.resolve(record), mode: "record" } } };
}

/** The first of `<name>-1`, `<name>-2` … that no suite begins with: the same in every new state folder. */
function freeId({ state }: Place, name: string): string {
  const dir = join(state, "suites");
  const taken = existsSync(dir) ? readdirSync(dir) : [];
  let count = 1;
  while (taken.some((file) => new RegExp(`^${name}-${count}(-s\\d+)?\\.json$`).test(file))) count++;
  return `${name}-${count}`;
}

/** Tells how it went, and gives the exit code. */
export function conclude(
  played: Played,
  options: {
    readonly command: string;
    readonly json: boolean;
    readonly gates?: readonly Gate[];
    readonly more?: Readonly<Record<string, unknown>>;
  },
  context: Context,
): ExitCode {
  const { reports, kpis, closing, page, stopped, notBegun } = played;
  const { out, place } = context;
  const gates = checkGates(kpis ?? kpiTally().close(), options.gates ?? []);
  const isGood = isContent(reports) && gates.every(({ held }) => held);
  const exitCode = stopped !== undefined || notBegun.length > 0 ? interrupted : isGood ? 0 : 1;
  if (options.json) {
    context.json({
      command: options.command,
      ok: exitCode === 0,
      exitCode,
      stopped: stopped ?? null,
      notBegun,
      report: page ?? null,
      ...options.more,
      totals: totalsOf(reports),
      ...(kpis ? { kpis, readings: readingsOf(kpis.overall) } : {}),
      gates,
      closing,
      suites: reports,
    });
    return exitCode;
  }
  const { paint } = out;
  out.print(
    "",
    ...(reports.length > 1 ? seedTable(reports, out) : reports.flatMap((report) => scenarioTable(report, out))),
  );
  const failures = failureLines(reports, out);
  if (failures.length > 0) out.print("", ...failures);
  out.print("", ...totalLines(reports, out), ...recordingLines(reports, out, place.shown), "");
  if (kpis) out.print(...kpiLines(kpis.overall, out, "short"), "", ...tagLines(kpis, out, place.command), "");
  if (gates.length > 0) out.print(...gateLines(gates, out), "");
  if (page !== undefined) out.print(`Report: ${page}`);
  const waiting = reports.filter((report) => report.waiting > 0);
  if (waiting.length > 0 && stopped === undefined) out.print(...waitingLines(waiting, context));
  out.print(...limitLines(reports, context));
  if (stopped !== undefined) out.print(paint.warn(`Stopped. To go on: ${place.command(`resume ${stopped}`)}`));
  if (notBegun.length > 0) out.print(paint.warn(`Seeds that were not begun: ${notBegun.join(", ")}`));
  out.print(...closing);
  return exitCode;
}

/** What somebody can do about runs that wait. */
function waitingLines(reports: readonly SuiteReport[], { out, place }: Context): string[] {
  const runs = reports.reduce((sum, { waiting }) => sum + waiting, 0);
  const one = reports.length === 1 ? ` ${reports[0]?.suite}` : "";
  return [
    out.paint.warn(`${count(runs, "run")} ${runs === 1 ? "waits" : "wait"} for a person. Nothing is lost:`),
    `  ${place.command(`approvals list${one === "" ? " --all" : one}`)}`,
    `  ${place.command(`resume${one} --approver auto`)}`,
  ];
}

/** What somebody can do where the money has run short. */
function limitLines(reports: readonly SuiteReport[], { out }: Context): string[] {
  const refused = reports.reduce((sum, { spending }) => sum + (spending?.refusedRuns ?? 0), 0);
  if (refused === 0) return [];
  return [
    out.paint.bad(
      `The spend limit is reached: ${count(refused, "run")} ended because the next call could have gone beyond it.`,
    ),
    ...wrap(
      "Before each call what it can cost at most is set aside, by every run under way, and what is over comes back: raise --spend-limit, or lower --concurrency where much is left.",
      out.columns - 2,
      3,
    ).map((line) => `  ${line}`),
  ];
}

/** @throws SandboxError `usage/wrong` */
export function approverOf(name: string): ApproverName {
  if (isApproverName(name)) return name;
  throw new SandboxError("usage/wrong", { reason: `--approver takes ${approverNames.join(" or ")}, not "${name}"` });
}
