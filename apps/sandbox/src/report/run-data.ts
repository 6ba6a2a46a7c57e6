import type { ChainFault, Entry, Head, Json } from "@remit/core";
import type { Beat } from "../face/beat.ts";
import { storyOf } from "../face/story.ts";
import { sinceStart, visible } from "../face/text.ts";

/** One run's timeline, as the page's script reads it. Short names: there are thousands of beats in a page. */
export interface RunData {
  readonly run: string;
  /** Who has a lane, in the order of their first appearance. */
  readonly lanes: readonly string[];
  readonly beats: readonly BeatData[];
  /** Payloads, each once. */
  readonly payloads: readonly PayloadData[];
  readonly seq: number;
  readonly hash: string;
  readonly fault?: string;
}

interface BeatData {
  /** Seq. */
  readonly n: number;
  /** Time since the run's start. */
  readonly t: string;
  readonly k: Beat["kind"];
  /** Lane of who does it. */
  readonly w: number;
  /** Lane of whom it goes to. */
  readonly o?: number;
  readonly h: string;
  readonly d?: string;
  readonly c?: Beat["tone"];
  /** 1 for bookkeeping. */
  readonly q?: 1;
  readonly m?: readonly string[];
  readonly l?: readonly string[];
  /** Index of the payload. */
  readonly p?: number;
}

interface PayloadData {
  /** JSON with line breaks, or its beginning. */
  readonly text: string;
  /** Characters of the whole. */
  readonly chars: number;
}

const detailChars = 400;
const speechChars = 4_000;

/** What the page needs of a run. Payloads are cut at `payloadChars`. */
export function runData(
  run: {
    readonly runId: string;
    readonly entries: readonly Entry[];
    readonly head: Head;
    readonly fault: ChainFault | undefined;
  },
  payloadChars: number,
): RunData {
  const lanes: string[] = [];
  const laneOf = (name: string): number => {
    const known = lanes.indexOf(name);
    return known >= 0 ? known : lanes.push(name) - 1;
  };
  const payloads: PayloadData[] = [];
  const places = new Map<string, number>();
  const payloadOf = (value: Json): number => {
    const text = visible(JSON.stringify(value, null, 1));
    const known = places.get(text);
    if (known !== undefined) return known;
    places.set(text, payloads.length);
    return payloads.push({ text: text.slice(0, payloadChars), chars: text.length }) - 1;
  };
  const story = storyOf(run.entries);
  const start = story[0]?.at ?? 0;
  const beats = story.map((beat): BeatData => {
    const most =
      beat.kind === "question" || beat.kind === "answer" || beat.kind === "end" || beat.kind === "start"
        ? speechChars
        : detailChars;
    const detail = beat.detail.length > most ? `${beat.detail.slice(0, most)}…` : beat.detail;
    return {
      n: beat.seq,
      t: sinceStart(beat.at - start),
      k: beat.kind,
      w: laneOf(beat.who),
      ...(beat.to === undefined ? {} : { o: laneOf(beat.to) }),
      h: beat.title,
      ...(detail === "" ? {} : { d: detail }),
      ...(beat.tone === "plain" ? {} : { c: beat.tone }),
      ...(beat.main ? {} : { q: 1 as const }),
      ...(beat.marks.length === 0 ? {} : { m: beat.marks }),
      ...(beat.labels.length === 0 ? {} : { l: beat.labels }),
      ...(beat.payload === undefined ? {} : { p: payloadOf(beat.payload) }),
    };
  });
  return {
    run: run.runId,
    lanes,
    beats,
    payloads,
    seq: run.head.seq,
    hash: run.head.hash,
    ...(run.fault ? { fault: `entry ${run.fault.seq}: ${run.fault.reason}` } : {}),
  };
}

/** The same with shorter payloads. */
export function withPayloads(data: RunData, payloadChars: number): RunData {
  return { ...data, payloads: data.payloads.map(({ text, chars }) => ({ text: text.slice(0, payloadChars), chars })) };
}
