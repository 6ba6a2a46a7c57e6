import { writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { ChainFault, Entry, Head, SupervisorDefinition } from "@remit/core";
import type { Kpis } from "@remit/core/kpi";
import { makeFolder } from "../folder.ts";
import type { SuiteReport } from "../suite/report.ts";
import { page } from "./page.ts";
import { addTraffic, type Traffic, trafficOf } from "./picture.ts";
import { type RunData, runData, withPayloads } from "./run-data.ts";

/** What a run's journal says. */
interface Recorded {
  readonly runId: string;
  readonly entries: readonly Entry[];
  readonly head: Head;
  readonly fault: ChainFault | undefined;
}

/** Payload lengths to try, until the timelines fit into the page. */
const payloadSteps = [2_000, 900, 400, 150] as const;
/** Characters of all timelines of one page. */
const timelineChars = 3_500_000;
/** Characters that are held until the page is written. */
const heldChars = 60_000_000;

/**
 * Collects what one page shows: suite after suite, each with its runs. A page has a bounded size: payloads are cut, and
 * where that is not enough, timelines of runs that ended as expected are left out and named as such.
 */
export class ReportFile {
  readonly #command: (words: string) => string;
  readonly #reports: SuiteReport[] = [];
  readonly #runs = new Map<string, RunData>();
  #traffic: Traffic = trafficOf([]);
  #definition: SupervisorDefinition | undefined;
  #held = 0;

  constructor(options: { readonly command: (words: string) => string }) {
    this.#command = options.command;
  }

  /** Adds a suite; reads its runs with `read`. */
  async add(
    report: SuiteReport,
    definition: SupervisorDefinition,
    read: (tenant: string, runId: string) => Promise<Recorded>,
  ): Promise<void> {
    this.#definition = definition;
    this.#reports.push(report);
    for (const { runId } of report.scenarios) {
      const recorded = await read(report.suite, runId);
      this.#traffic = addTraffic(this.#traffic, trafficOf([recorded.entries]));
      if (this.#held > heldChars) continue;
      const data = runData(recorded, payloadSteps[0]);
      this.#held += sizeOf(data);
      this.#runs.set(runId, data);
    }
  }

  /** Writes the page; makes its folder when absent. */
  write(path: string, kpis?: Kpis): void {
    if (!this.#definition) return;
    makeFolder(dirname(path));
    const text = page({
      reports: this.#reports,
      runs: this.#fitting(),
      definition: this.#definition,
      traffic: this.#traffic,
      command: this.#command,
      ...(kpis ? { kpis } : {}),
    });
    writeFileSync(path, text);
  }

  #fitting(): ReadonlyMap<string, RunData> {
    let runs = this.#runs;
    for (const step of payloadSteps) {
      runs = new Map([...this.#runs].map(([id, data]) => [id, withPayloads(data, step)]));
      if (total(runs.values()) <= timelineChars) return runs;
    }
    // What went wrong is what one wants to look at.
    const telling = new Set(
      this.#reports.flatMap(({ scenarios }) =>
        scenarios.filter(({ ok, violations }) => !ok || violations.length > 0).map(({ runId }) => runId),
      ),
    );
    const kept = new Map<string, RunData>();
    let used = 0;
    for (const [id, data] of [...runs].sort(
      ([left], [right]) => Number(telling.has(right)) - Number(telling.has(left)),
    )) {
      used += sizeOf(data);
      if (used > timelineChars) break;
      kept.set(id, data);
    }
    return kept;
  }
}

function total(runs: Iterable<RunData>): number {
  let sum = 0;
  for (const data of runs) sum += sizeOf(data);
  return sum;
}

/** About how many characters the data takes in the page. */
function sizeOf({ beats, payloads }: RunData): number {
  const texts = beats.reduce(
    (sum, { h, d, m, l }) => sum + h.length + (d?.length ?? 0) + (m?.join().length ?? 0) + (l?.join().length ?? 0),
    0,
  );
  return texts + beats.length * 70 + payloads.reduce((sum, { text }) => sum + text.length * 1.15 + 25, 0);
}
