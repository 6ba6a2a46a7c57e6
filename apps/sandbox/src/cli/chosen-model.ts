import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { SandboxError } from "../errors.ts";
import { spendLimitText } from "../face/money.ts";
import { isModelName } from "../model/choice.ts";
import type { LiveChoice } from "../model/live.ts";
import { isServerUrl, referenceOf } from "../model/reference.ts";
import type { RecordingFile } from "../suite/recording.ts";
import type { SuiteModel } from "../suite/workspace.ts";
import type { Place } from "./place.ts";

/** What a person said about the models. */
export interface ModelWish {
  readonly model?: string;
  readonly baseUrl?: string;
  readonly routes?: string;
  readonly spendLimit?: string;
  readonly record?: string;
  readonly replay?: string;
}

/** Scenarios at the same time. Each run under way has set money aside, so there are fewer where that is bounded. */
const scriptedAtOnce = 8;
const liveAtOnce = 4;
/** Runs that are replayed come out the same each time when none is beside another. */
const replayedAtOnce = 1;
/** A dollar: what a suite of live models may spend when nobody says anything. */
const defaultLimitMicroUsd = 1_000_000;

/**
 * Which models are meant, in the form that a suite's file keeps. Whether they can be had is not looked at.
 * @throws SandboxError `model/choice-unknown`, `routes/file-missing`, `usage/wrong`
 */
export function chosenModel(wish: ModelWish, place: Pick<Place, "resolve" | "shown">): Omit<SuiteModel, "seed"> {
  const { model, baseUrl, spendLimit } = wish;
  const wrong = (reason: string) => new SandboxError("usage/wrong", { reason });
  const routes = wish.routes === undefined ? undefined : readRoutes(place.resolve(wish.routes), place);
  if (routes === undefined && (model === undefined || isModelName(model))) {
    const given = baseUrl !== undefined ? "--base-url" : spendLimit !== undefined ? "--spend-limit" : undefined;
    const name = model ?? "oracle";
    if (given !== undefined) throw wrong(`${given} is for live models, and ${name} is a scripted one`);
    return { name };
  }
  if (model !== undefined && isModelName(model))
    throw wrong(`--routes is for live models, and ${model} is a scripted one`);
  const reference = model === undefined ? undefined : referenceOf(model);
  if (model !== undefined && !reference && routes === undefined)
    throw new SandboxError("model/choice-unknown", { model });
  if (baseUrl !== undefined && !reference) {
    throw wrong(
      "--base-url is the server of a --model such as compatible:<name>; models of a routes file have a baseUrl each",
    );
  }
  if (baseUrl !== undefined && !isServerUrl(baseUrl)) {
    throw wrong(`--base-url takes the address of a server, such as http://127.0.0.1:11434/v1, not "${baseUrl}"`);
  }
  if (reference?.vendor === "compatible" && baseUrl === undefined) {
    throw wrong(`--model ${model} needs --base-url <url> of its server`);
  }
  const limit = limitOf(spendLimit);
  const name = [model, routes && `routes of ${basename(routes.file)}`].filter((part) => part !== undefined).join(", ");
  const live: LiveChoice = {
    ...(model === undefined ? {} : { model }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(routes === undefined ? {} : { routes }),
    ...(limit === undefined ? {} : { spendLimitMicroUsd: limit }),
  };
  return { name, live };
}

/**
 * The models of a recording, in the form that a suite's file keeps.
 * @throws SandboxError `usage/wrong`
 */
export function replayedModel(wish: ModelWish, folder: string, { model }: RecordingFile): Omit<SuiteModel, "seed"> {
  const { model: named, baseUrl, routes, spendLimit, record } = wish;
  const others = Object.entries({ model: named, "base-url": baseUrl, routes, "spend-limit": spendLimit, record });
  const given = others.find(([, value]) => value !== undefined)?.[0];
  if (given !== undefined) {
    throw new SandboxError("usage/wrong", {
      reason: `--replay asks the models of its recording: leave out --${given}`,
    });
  }
  return { ...model, recording: { folder, mode: "replay" } };
}

/** How many scenarios are played at the same time when nobody says it. */
export function defaultConcurrency({ live, recording }: Pick<SuiteModel, "live" | "recording">): string {
  return String(recording?.mode === "replay" ? replayedAtOnce : live ? liveAtOnce : scriptedAtOnce);
}

/** `model openai:gpt-5-mini · at most $1.00`. */
export function modelText({ name, live, recording }: Omit<SuiteModel, "seed">): string {
  if (recording?.mode === "replay") return `model ${name}, as recorded`;
  return live ? `model ${name} · ${spendLimitText(live.spendLimitMicroUsd)}` : `model ${name}`;
}

/** Millionths of a dollar; nothing for `none`. */
function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return defaultLimitMicroUsd;
  if (text === "none") return undefined;
  const microUsd = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Math.round(Number(text) * 1e6) : Number.NaN;
  if (microUsd > 0) return microUsd;
  throw new SandboxError("usage/wrong", {
    reason: `--spend-limit takes US dollars above 0, such as 2.50, or none, not "${text}"`,
  });
}

function readRoutes(path: string, { shown }: Pick<Place, "shown">): NonNullable<LiveChoice["routes"]> {
  const file = shown(path);
  try {
    return { file, text: readFileSync(path, "utf8") };
  } catch (cause) {
    throw new SandboxError("routes/file-missing", { file }, { cause });
  }
}
