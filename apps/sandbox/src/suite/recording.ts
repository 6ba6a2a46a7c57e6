import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultDetectors, type Entry, type Model, type TextDetector } from "@remit/core";
import { type Recording, recording } from "@remit/core/testing";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { makeFolder } from "../folder.ts";
import type { LiveChoice } from "../model/live.ts";
import { scenarioAttribute } from "../model/oracle.ts";
import { vendorNames } from "../model/reference.ts";
import { type ApproverName, approverNames } from "./approver.ts";

/**
 * What the models of a suite were asked and said, as a folder of files that belongs beside the tests:
 *
 *   recording.json              which pack and models, and what the gates know of each model
 *   seed-<n>/<scenario>.jsonl   the exchanges of one scenario, a line each, in the order in which they were made
 *
 * T1 The files hold no key, header, address of a server, time, or id of a run: recorded again, they differ where a
 *    request or an answer does.
 * T2 A replay reads these files alone. It asks nobody, needs no key, and loads no vendor's SDK.
 */
export interface SuiteRecording {
  /** Absolute. */
  readonly folder: string;
  readonly mode: "record" | "replay";
}

/** What `recording.json` says. */
export interface RecordingFile {
  readonly format: 1;
  readonly pack: string;
  readonly model: { readonly name: string; readonly live?: LiveChoice };
  readonly approver?: ApproverName;
  /** By the name under which a suite has them. */
  readonly models: Readonly<Record<string, RecordedFacts>>;
}

/** What the gates know of a model. */
type RecordedFacts = Pick<Model, "id" | "cost" | "provider" | "cleared" | "timeoutMs">;

const recordingFile = z.object({
  format: z.literal(1),
  pack: z.string().min(1),
  model: z.object({
    name: z.string().min(1),
    live: z
      .object({
        model: z.string().optional(),
        routes: z.object({ file: z.string(), text: z.string() }).optional(),
        spendLimitMicroUsd: z.number().int().nonnegative().optional(),
      })
      .optional(),
  }),
  approver: z.enum(approverNames).optional(),
  models: z.record(
    z.string(),
    z.object({
      id: z.string().min(1),
      cost: z.enum(["zero", "paid"]),
      provider: z.string().optional(),
      cleared: z.array(z.string()).optional(),
      timeoutMs: z.number().positive().optional(),
    }),
  ),
});

const nameOfFile = "recording.json";
const extension = ".jsonl";
const seedFolder = /^seed-(\d{1,9})$/;

const fileOf = (folder: string, seed: number, scenario: string) =>
  join(folder, `seed-${seed}`, `${encodeURIComponent(scenario)}${extension}`);

/** @throws SandboxError `recording/missing`, `recording/broken` */
export function readRecording(folder: string): RecordingFile {
  const file = join(folder, nameOfFile);
  if (!existsSync(file)) throw new SandboxError("recording/missing", { folder });
  try {
    return recordingFile.parse(JSON.parse(readFileSync(file, "utf8"))) as RecordingFile;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new SandboxError("recording/broken", { file, reason }, { cause });
  }
}

/** The scenarios of a recording by seed, both in order. */
export function recordedScenarios(folder: string): ReadonlyMap<number, readonly string[]> {
  const seeds = readdirSync(folder).flatMap((name) => Number(seedFolder.exec(name)?.[1] ?? Number.NaN));
  const found = seeds
    .filter((seed) => !Number.isNaN(seed))
    .sort((one, other) => one - other)
    .map((seed): [number, readonly string[]] => {
      const names = readdirSync(join(folder, `seed-${seed}`)).filter((name) => name.endsWith(extension));
      return [seed, names.map((name) => decodeURIComponent(name.slice(0, -extension.length))).sort()];
    });
  return new Map(found);
}

/**
 * Makes room for a recording: what it will record is taken out of the folder. Scenarios of other names and seeds stay,
 * unless they were recorded of another pack or other models.
 * @throws SandboxError `recording/foreign-folder` when the folder holds something else; `recording/broken`
 */
export function clearRecording(
  folder: string,
  wanted: Pick<RecordingFile, "pack" | "model"> & {
    readonly seeds: readonly number[];
    readonly scenarios: readonly string[];
  },
): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  if (!existsSync(join(folder, nameOfFile))) throw new SandboxError("recording/foreign-folder", { folder });
  const keepsOthers = isSame(readRecording(folder), wanted);
  for (const [seed, scenarios] of recordedScenarios(folder)) {
    for (const scenario of scenarios) {
      const isPlayed = wanted.seeds.includes(seed) && wanted.scenarios.includes(scenario);
      if (isPlayed || !keepsOthers) rmSync(fileOf(folder, seed, scenario));
    }
  }
}

type Kind = Pick<RecordingFile, "pack" | "model">;

function isSame(one: Kind, other: Kind): boolean {
  return one.pack === other.pack && one.model.name === other.model.name;
}

/** An exchange that nobody asked for. */
export interface UnusedExchange {
  readonly scenario: string;
  readonly line: number;
  readonly agent: string;
}

/** What a report says of a suite's recording. */
export interface RecordingReport extends SuiteRecording {
  /** Requests that no recorded one equals. */
  readonly missed: number;
  /** Exchanges of the scenarios that were played, and of scenarios that the pack does not have any more. */
  readonly unused: readonly UnusedExchange[];
}

/** The recording of one suite while it is played. */
export interface Tape {
  /** A model of the suite by the name that the suite has for it: one that is recorded, or its recording. */
  readonly model: (name: string, make: () => Model | Promise<Model>) => Promise<Model>;
  /** Says in `recording.json` which models these are; nothing in a replay. */
  readonly begin: () => void;
  readonly unused: (scenarios: readonly string[]) => readonly UnusedExchange[];
}

export interface TapeOptions extends SuiteRecording {
  readonly seed: number;
  readonly about: Omit<RecordingFile, "format" | "models">;
  readonly redact?: (text: string, pointer: string) => string;
  /** Finds of these are written as their names; what looks like a key when absent. */
  readonly detectors?: readonly TextDetector[];
  /** Texts that are written nowhere, whatever they look like, such as the keys in use. */
  readonly secrets?: readonly string[];
}

/** @throws SandboxError `recording/missing`, `recording/broken` */
export function openTape(options: TapeOptions): Tape {
  const { folder, mode, seed, about, redact, secrets = [] } = options;
  const recorded = mode === "replay" ? readRecording(folder) : undefined;
  const detectors = [
    ...secrets.map((secret): TextDetector => ({ name: "key", pattern: literal(secret), longest: secret.length })),
    ...(options.detectors ?? defaultDetectors.filter(({ name }) => name === "key")),
  ];
  const files = new Map<string, Recording>();
  const facts: Record<string, RecordedFacts> = {};

  /** A compatible server is known to the gates by its address; in the files it is `server 1`. */
  const servers: string[] = [];
  const shared = (provider: string): string => {
    if ((vendorNames as readonly string[]).includes(provider)) return provider;
    const known = servers.indexOf(provider);
    return `server ${known < 0 ? servers.push(provider) : known + 1}`;
  };

  const recordingOf = (scenario: string): Recording => {
    const known = files.get(scenario);
    if (known) return known;
    const file = fileOf(folder, seed, scenario);
    const opened = recording({ file, detectors, ...(redact ? { redact } : {}) });
    files.set(scenario, opened);
    return opened;
  };
  /** One model for all scenarios; each has its exchanges in the file of the scenario that the request is of. */
  const taped = (of: RecordedFacts, record: Model | undefined): Model => {
    const models = new Map<string, Model>();
    const modelOf = (scenario: string): Model => {
      const known = models.get(scenario);
      if (known) return known;
      const made = recordingOf(scenario).model({ ...of, ...(record ? { record } : {}) });
      models.set(scenario, made);
      return made;
    };
    const scenarioOf = (attributes: Readonly<Record<string, string>>) => attributes[scenarioAttribute] ?? "";
    return {
      ...of,
      ...(record?.firstSignMs === undefined ? {} : { firstSignMs: record.firstSignMs }),
      quote: (request) => modelOf(scenarioOf(request.context.attributes)).quote?.(request) ?? nothing,
      generate: (request, call) => modelOf(scenarioOf(request.context.attributes)).generate(request, call),
    };
  };

  return {
    model: async (name, make) => {
      if (!recorded) {
        const model = await make();
        const own = factsOf(model);
        facts[name] = { ...own, ...(own.provider === undefined ? {} : { provider: shared(own.provider) }) };
        return taped(own, model);
      }
      const known = recorded.models[name];
      if (known) return taped(known, undefined);
      const file = join(folder, nameOfFile);
      throw new SandboxError("recording/broken", { file, reason: `it has no model ${name}` });
    },
    begin: () => {
      if (mode === "replay") return;
      const before = existsSync(join(folder, nameOfFile)) ? readRecording(folder) : undefined;
      const kept = before && isSame(before, about) ? before.models : {};
      const models = Object.entries({ ...kept, ...facts }).sort(([one], [other]) => (one < other ? -1 : 1));
      const told: RecordingFile = { format: 1, ...about, models: Object.fromEntries(models) };
      makeFolder(folder);
      writeFileSync(join(folder, nameOfFile), `${JSON.stringify(told, null, 2)}\n`);
    },
    unused: (scenarios) =>
      scenarios.flatMap((scenario) =>
        recordingOf(scenario)
          .unused()
          .map(({ line, agent }) => ({ scenario, line, agent })),
      ),
  };
}

const nothing = { microUsd: 0, tokens: 0 };

function factsOf({ id, cost, provider, cleared, timeoutMs }: Model): RecordedFacts {
  return {
    id,
    cost,
    ...(provider === undefined ? {} : { provider }),
    ...(cleared === undefined ? {} : { cleared }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

function literal(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), "g");
}

/** What was asked in a run and is not recorded, each with the nearest that is. */
export function missedIn(entries: readonly Entry[]): readonly string[] {
  return entries.flatMap((entry) => {
    if (entry.type !== "model.failed" || entry.body.error.code !== "model/not-recorded") return [];
    return [entry.body.error.message];
  });
}
