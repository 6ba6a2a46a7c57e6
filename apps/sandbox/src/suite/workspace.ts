import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { makeFolder } from "../folder.ts";
import type { LiveChoice } from "../model/live.ts";
import { type ApproverName, approverNames } from "./approver.ts";
import type { Catalog } from "./catalog.ts";
import type { SuiteRecording } from "./recording.ts";

/** The sandbox's folder: one journal, the worlds' own logs, a file per suite, the reports. */
export interface Workspace {
  readonly dir: string;
  readonly journal: string;
  readonly worldDir: (suite: string) => string;
  readonly reportFile: (suite: string) => string;
  readonly saveSuite: (suite: SuiteFile) => void;
  /** Keeps what a suite's runs were found to be, by run id: their journals do not say it. */
  readonly saveVerdicts: (suite: string, verdicts: Verdicts) => void;
  /** Nothing where none were kept, or what is there cannot be read. */
  readonly verdicts: (suite: string) => Verdicts | undefined;
  /** @throws SandboxError `suite/unknown`, `suite/broken` */
  readonly loadSuite: (id: string) => SuiteFile;
  /** Newest first; broken files are left out and named in `broken`. */
  readonly suites: () => { readonly suites: readonly SuiteFile[]; readonly broken: readonly string[] };
}

/** Whether each run came out right, and how many violations the audit found; a run that waits has come out nowhere yet. */
export type Verdicts = Readonly<Record<string, { readonly right?: boolean | undefined; readonly violations: number }>>;

const verdictsFile = z.record(
  z.string(),
  z.object({ right: z.boolean().optional(), violations: z.number().int().nonnegative() }),
);

const suiteFile = z.object({
  format: z.literal(1),
  id: z.string().min(1),
  pack: z.object({
    name: z.string().min(1),
    folder: z.string().optional(),
    module: z.object({ file: z.string().min(1), member: z.string().optional(), definition: z.string() }).optional(),
  }),
  model: z.object({
    name: z.string().min(1),
    seed: z.number().int(),
    live: z
      .object({
        model: z.string().optional(),
        baseUrl: z.string().optional(),
        routes: z.object({ file: z.string(), text: z.string() }).optional(),
        spendLimitMicroUsd: z.number().int().nonnegative().optional(),
      })
      .optional(),
    recording: z.object({ folder: z.string().min(1), mode: z.enum(["record", "replay"]) }).optional(),
  }),
  scenarios: z.array(z.string()),
  approver: z.enum(approverNames).optional(),
  sealed: z.literal(true).optional(),
  startedAt: z.number(),
  catalog: z.array(z.looseObject({ name: z.string() })),
});

/** Whose answers a suite is played with. */
export interface SuiteModel {
  /** A scripted model, or what to call the live ones. */
  readonly name: string;
  readonly seed: number;
  /** Where live models answer: all that it takes to ask them again, but for their keys. */
  readonly live?: LiveChoice;
  /** Where its exchanges are written to, or answered from. */
  readonly recording?: SuiteRecording;
}

/** Which pack a suite is of. */
export interface SuitePack {
  readonly name: string;
  /** Own scenarios, or the published data that it is made of. Absolute. */
  readonly folder?: string;
  /** Of a pack of a person's own: where it is, and what its team was when the suite began. */
  readonly module?: PackModule;
}

export interface PackModule {
  /** Absolute. */
  readonly file: string;
  /** The name in the configuration that this file is; absent: the file exports the pack itself. */
  readonly member?: string;
  /** Hash of the team's definition, made without servers. */
  readonly definition: string;
}

/** What it takes to go on with a suite, or to look at its runs: everything but the runs themselves. */
export interface SuiteFile {
  readonly format: 1;
  /** Also the tenant of its runs, so that suites never see each other's. */
  readonly id: string;
  readonly pack: SuitePack;
  readonly model: SuiteModel;
  /** Names of the scenarios that it plays. */
  readonly scenarios: readonly string[];
  /** Who decides on calls that wait for a person; `auto` when absent. */
  readonly approver?: ApproverName;
  /** What comes in is sealed before it is journaled, under the key in the state folder. */
  readonly sealed?: true;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly catalog: Catalog;
}

export function openWorkspace(folder: string): Workspace {
  const dir = resolve(folder);
  const suitesDir = join(dir, "suites");
  const verdictsDir = join(dir, "verdicts");
  makeFolder(suitesDir);
  // Written beside and moved over: a kill leaves the old file or the new one, never half of one.
  const save = (file: string, value: unknown) => {
    writeFileSync(`${file}.part`, `${JSON.stringify(value)}\n`);
    renameSync(`${file}.part`, file);
  };
  const fileOf = (id: string) => join(suitesDir, `${id}.json`);
  const load = (id: string): SuiteFile => {
    let text: string;
    try {
      text = readFileSync(fileOf(id), "utf8");
    } catch (cause) {
      throw new SandboxError("suite/unknown", { suite: id, folder: dir }, { cause });
    }
    try {
      return suiteFile.parse(JSON.parse(text)) as unknown as SuiteFile;
    } catch (cause) {
      const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
      throw new SandboxError("suite/broken", { file: fileOf(id), reason }, { cause });
    }
  };
  return {
    dir,
    journal: join(dir, "journal.db"),
    worldDir: (suite) => join(dir, "worlds", suite),
    reportFile: (suite) => join(dir, "reports", `${suite}.html`),
    saveSuite: (suite) => save(fileOf(suite.id), suite),
    saveVerdicts: (suite, verdicts) => {
      makeFolder(verdictsDir);
      save(join(verdictsDir, `${suite}.json`), verdicts);
    },
    verdicts: (suite) => {
      try {
        return verdictsFile.parse(JSON.parse(readFileSync(join(verdictsDir, `${suite}.json`), "utf8")));
      } catch {
        return undefined;
      }
    },
    loadSuite: load,
    suites: () => {
      const suites: SuiteFile[] = [];
      const broken: string[] = [];
      for (const name of readdirSync(suitesDir)) {
        if (!name.endsWith(".json")) continue;
        try {
          suites.push(load(name.slice(0, -".json".length)));
        } catch {
          broken.push(join(suitesDir, name));
        }
      }
      return { suites: suites.sort((left, right) => right.startedAt - left.startedAt), broken };
    },
  };
}
