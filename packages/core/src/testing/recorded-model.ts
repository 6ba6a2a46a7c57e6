import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { defaultDetectors, RedactionWindow, type TextDetector } from "../answer/redaction.ts";
import { diffOf } from "../approval/diff.ts";
import { type ErrorRecord, errorFrom, OrchestrationError, reasonOf } from "../errors.ts";
import type { Spend } from "../event.ts";
import { hashJson } from "../hash.ts";
import { type Json, plainJson } from "../json.ts";
import { isSensitive } from "../label/label.ts";
import { modelError, toldBy } from "../model/failure.ts";
import { escapePointer } from "../pointer.ts";
import { type Clock, systemClock } from "../port/clock.ts";
import type { FailedCall, Model, ModelCallOptions, ModelRequest, ModelResponse } from "../port/model.ts";

/**
 * Models that answer from a file, and the way to make that file from other models.
 *
 * The file holds one exchange a line, as JSON: the model, the agent, what it was shown, and what it answered or how it
 * failed. An exchange is found by the hash of what the model is shown, so ids of runs do not matter and a changed prompt
 * is noticed. Lines may be read, reviewed and removed by hand; keys are made again from what stands there.
 *
 * C1 What stands in the file is answered from it; `record` is asked only for what does not, and its answer is added.
 * C2 A request that a run makes several times is answered in the order of the lines; the same call of a run, made again
 *    after it was lost, gets the same answer.
 * C3 Nothing but requests and answers is written: no headers, no keys, no ids of tenants or runs. Sensitive requests are
 *    written through `redact`, or not at all; what `detectors` find is written as their names.
 * C4 Lines stand in the order in which their calls were made, whichever was answered first.
 */
export interface RecordingOptions {
  /** Path of the file; made where it is absent, with its folder. */
  readonly file: string;
  /**
   * Changes texts before anything is written or looked up. Called for each string of an exchange with its JSON pointer
   * (`/request/input/name`). Given what it gave before it has to give the same again.
   */
  readonly redact?: (text: string, pointer: string) => string;
  /**
   * What is written and looked up as its detector's name (`[key]`), after `redact`; tokens that look like keys when
   * absent. A supervisor's own detectors keep out of the file what is not shown to people: a call whose arguments they
   * find is replayed with the name in their place.
   */
  readonly detectors?: readonly TextDetector[];
  /** For failures whose `retry-after` is a date; the machine's when absent. */
  readonly clock?: Clock;
}

/** One of the models of a recording. */
export interface RecordedModel extends Pick<Model, "id" | "provider" | "cleared" | "timeoutMs"> {
  /** Asked for what is not in the file. Absent: nothing is asked, and a request without an answer fails. */
  readonly record?: Model;
  /** As in {@link Model}, as the others are; those of `record`, or `zero` and nothing, when absent. */
  readonly cost?: Model["cost"];
}

export interface RecordedModelOptions extends RecordingOptions, RecordedModel {}

/** An exchange as it is told: where it stands and whose it was. */
export interface RecordedLine {
  /** Counting from 1. */
  readonly line: number;
  readonly model: string;
  readonly agent: string;
}

/** A file of exchanges, read once. */
export interface Recording {
  /** A model that fails a call with `model/not-recorded` where neither the file nor `record` has an answer. */
  readonly model: (options: RecordedModel) => Model;
  /** Exchanges that no run has asked for so far, in the order of their lines. */
  readonly unused: () => readonly RecordedLine[];
}

/** All that a model is shown of a request. */
type Shown = { readonly [Member in (typeof shownMembers)[number]]: Json };
const shownMembers = ["instructions", "input", "messages", "tools", "asks", "outputSchema"] as const;

interface Exchange extends FailedCall {
  readonly model: string;
  readonly agent: string;
  readonly request: Shown;
  readonly response?: ModelResponse;
  readonly failure?: ErrorRecord;
  readonly quote?: Spend;
}

interface Line extends Exchange {
  readonly line: number;
  readonly key: string;
}

/**
 * Fails a call with `model/not-recorded`, which names the nearest recorded request and the first place where it differs.
 * @throws OrchestrationError `model/recording-invalid`
 */
export function recordedModel(options: RecordedModelOptions): Model {
  return recording(options).model(options);
}

/**
 * Opens a file of exchanges for one model or several, which keep their lines apart by their ids.
 * @throws OrchestrationError `model/recording-invalid`
 */
export function recording({ file, redact, clock = systemClock(), ...more }: RecordingOptions): Recording {
  const detectors = more.detectors ?? defaultDetectors.filter(({ name }) => name === "key");
  const recorded = readLines(file);
  const used = new Set<Line>();
  const places = orderOf((exchange: Exchange) => {
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, `${JSON.stringify(exchange)}\n`);
  });
  let lineCount = recorded.at(-1)?.line ?? 0;
  const clean = (text: string, pointer: string): string => {
    const window = new RedactionWindow(detectors);
    return window.push(redact ? redact(text, pointer) : text) + window.end();
  };

  const model = ({ id, record, ...own }: RecordedModel): Model => {
    const { cost = record?.cost ?? "zero", provider = record?.provider, cleared = record?.cleared } = own;
    const { timeoutMs = record?.timeoutMs } = own;
    /** By run: how often each request was answered in it, and which call got which exchange. */
    const runs = new Map<string, { readonly asked: Map<string, number>; readonly given: Map<string, Exchange> }>();

    const written = <Value>(value: Value, pointer: string): Value => {
      const plain = plainJson(value);
      if (!plain.ok) {
        throw new OrchestrationError("model/response-invalid", {
          model: id,
          reason: `not JSON: ${plain.fault.reason}`,
        });
      }
      return redacted(plain.value, pointer, clean) as Value;
    };
    const shownOf = (request: ModelRequest): Shown =>
      written(
        Object.fromEntries(shownMembers.map((member) => [member, request[member]])),
        "/request",
      ) as unknown as Shown;
    const linesFor = (key: string) => recorded.filter((one) => one.model === id && one.key === key);

    /** Asks the other model and writes down what came of it; what comes back is what it said, not what was written. */
    const recordOne = async (from: Model, request: ModelRequest, shown: Shown, call: ModelCallOptions) => {
      if (!redact && request.labels.some(isSensitive)) {
        throw notRecorded(request, "it is sensitive, and there is no `redact`");
      }
      const quote = quoteOf(from, request);
      const asked = { model: id, agent: request.agent, request: shown, ...(quote ? { quote } : {}) };
      const place = places.take();
      const add = (exchange: Exchange): Exchange => {
        const line = { ...exchange, line: ++lineCount, key: hashJson(exchange.request) };
        recorded.push(line);
        used.add(line);
        place.fill(exchange);
        return exchange;
      };
      try {
        const response = await from.generate(request, call);
        return { response, exchange: add({ ...asked, response: written(response, "/response") }) };
      } catch (thrown) {
        if (call.signal.aborted) throw thrown; // Nobody waits for it any more; it says nothing about the model.
        const failure = modelError(thrown, id, clock.now()).toRecord();
        return { thrown, exchange: add({ ...asked, failure: written(failure, "/failure"), ...toldBy(thrown) }) };
      } finally {
        place.leave();
      }
    };

    const notRecorded = (request: ModelRequest, reason: string, data: Record<string, Json> = {}) =>
      new OrchestrationError("model/not-recorded", { model: id, agent: request.agent, file, reason, ...data });

    const missed = (request: ModelRequest, shown: Shown) => {
      const known = linesFor(hashJson(shown)).length;
      if (known > 0) return notRecorded(request, `it is recorded ${known} times and was made once more`);
      const near = nearest(
        recorded.filter((one) => one.model === id),
        request.agent,
        shown,
      );
      if (!near) return notRecorded(request, "nothing is recorded of this model");
      const { line, change } = near;
      const [expected, got] = excerpts(change.before, change.after);
      const reason = `line ${line.line} is nearest and differs at ${change.path}: recorded ${expected}, asked ${got}`;
      return notRecorded(request, reason, { nearest: line.line, pointer: change.path, expected, got });
    };

    return {
      id,
      cost,
      ...(provider === undefined ? {} : { provider }),
      ...(cleared === undefined ? {} : { cleared }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(record?.settings === undefined ? {} : { settings: record.settings }),
      quote: (request) => {
        const shown = shownOf(request);
        const quote = linesFor(hashJson(shown)).find((one) => one.quote)?.quote ?? record?.quote?.(request);
        if (quote) return quote;
        // A call that no answer is recorded of costs nothing, and says what it is nearest to when it is made.
        if (cost === "zero" || !record) return { microUsd: 0, tokens: 0 };
        throw missed(request, shown);
      },
      generate: async (request, call) => {
        const { runId, path, turn, attempt } = request.context;
        const shown = shownOf(request);
        const key = hashJson(shown);
        const run = runs.get(runId) ?? { asked: new Map<string, number>(), given: new Map<string, Exchange>() };
        runs.set(runId, run);
        const name = `${path}/${turn}/${attempt}/${key}`;
        const index = run.asked.get(key) ?? 0;
        const known = run.given.get(name);
        const line = known ? undefined : linesFor(key)[index];
        if (!known && !line && !record) throw missed(request, shown);
        if (!known) run.asked.set(key, index + 1);
        if (!known && !line && record) {
          const made = await recordOne(record, request, shown, call);
          run.given.set(name, made.exchange);
          if ("thrown" in made) throw made.thrown;
          return made.response;
        }
        if (line) used.add(line);
        const exchange = (known ?? line) as Exchange;
        run.given.set(name, exchange);
        return answerOf(exchange);
      },
    };
  };
  return {
    model,
    unused: () =>
      recorded.filter((line) => !used.has(line)).map(({ line, model: of, agent }) => ({ line, model: of, agent })),
  };
}

/** Hands on what fills places in the order in which the places were taken; places that are left empty count no more. */
function orderOf<Item>(hand: (item: Item) => void) {
  const waiting: { item?: Item; left: boolean }[] = [];
  return {
    take: () => {
      const place: { item?: Item; left: boolean } = { left: false };
      waiting.push(place);
      return {
        fill: (item: Item) => {
          place.item = item;
        },
        leave: () => {
          place.left = true;
          for (let [first] = waiting; first?.left; [first] = waiting) {
            waiting.shift();
            if (first.item !== undefined) hand(first.item);
          }
        },
      };
    },
  };
}

/** What a budget is told. A model that cannot say is called all the same where no budget is in force. */
function quoteOf(model: Model, request: ModelRequest): Spend | undefined {
  try {
    return model.quote?.(request);
  } catch {
    return undefined; // Whoever needs it asks for it, and hears why there is none.
  }
}

function answerOf({ response, failure, usage, cost }: Exchange): ModelResponse {
  if (response) return response;
  const error = errorFrom(failure as ErrorRecord);
  throw Object.assign(error, usage ? { usage } : {}, cost ? { cost } : {});
}

function readLines(file: string): Line[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw invalid(file, 0, reasonOf(thrown), thrown);
  }
  return text.split("\n").flatMap((row, index) => (row.trim() === "" ? [] : [readLine(file, row, index + 1)]));
}

function readLine(file: string, row: string, line: number): Line {
  let exchange: Partial<Exchange> | null;
  try {
    exchange = JSON.parse(row);
  } catch (thrown) {
    throw invalid(file, line, reasonOf(thrown), thrown);
  }
  const { model, agent, request, response, failure } = exchange ?? {};
  if (typeof model !== "string" || typeof agent !== "string" || typeof request !== "object" || request === null) {
    throw invalid(file, line, "it needs `model`, `agent` and `request`");
  }
  if (!isObject(response) && !isObject(failure)) throw invalid(file, line, "it needs a `response` or a `failure`");
  return { ...(exchange as Exchange), line, key: hashJson(request) };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function invalid(file: string, line: number, reason: string, cause?: unknown): OrchestrationError {
  return new OrchestrationError("model/recording-invalid", { file, line, reason }, { cause });
}

/** The recorded request with the fewest differences: one of the same agent where there is any, the first of equals. */
function nearest(lines: readonly Line[], agent: string, shown: Shown) {
  const own = lines.filter((one) => one.agent === agent);
  const ranked = (own.length > 0 ? own : lines)
    .map((line) => ({ line, changes: diffOf(line.request, shown) }))
    .sort((a, b) => a.changes.length - b.changes.length);
  const [best] = ranked;
  const [change] = best?.changes ?? [];
  return best && change && { line: best.line, change };
}

const excerptChars = 120;

/** Both values as JSON, cut to the place where they begin to differ: of texts, to the first line that does. */
function excerpts(before: Json | undefined, after: Json | undefined): [string, string] {
  const lines = typeof before === "string" && typeof after === "string" ? firstLines(before, after) : [before, after];
  const [one, other] = lines.map((value) => (value === undefined ? "nothing" : JSON.stringify(value))) as [
    string,
    string,
  ];
  let same = 0;
  while (same < one.length && one[same] === other[same]) same++;
  const from = same > excerptChars / 3 ? same - excerptChars / 4 : 0;
  return [one, other].map((text) => {
    const end = from + excerptChars;
    return `${from > 0 ? "…" : ""}${text.slice(from, end)}${end < text.length ? "…" : ""}`;
  }) as [string, string];
}

/** The first line of each that the other does not have in its place; nothing for one that has no such line. */
function firstLines(before: string, after: string): [string | undefined, string | undefined] {
  const [one, other] = [before.split("\n"), after.split("\n")];
  let line = 0;
  while (one[line] === other[line]) line++;
  return [one[line], other[line]];
}

function redacted(value: Json, pointer: string, redact: (text: string, pointer: string) => string): Json {
  if (typeof value === "string") return redact(value, pointer);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json, index) => redacted(item, `${pointer}/${index}`, redact));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      redacted(member, `${pointer}/${escapePointer(name)}`, redact),
    ]),
  );
}
