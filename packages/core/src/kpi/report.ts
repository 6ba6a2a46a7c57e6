import type { Cost, RunStatus } from "../event.ts";
import type { Distribution } from "./distribution.ts";
import type { Slo } from "./facts.ts";
import type { Incident } from "./incident.ts";
import type { HumanStep } from "./people.ts";
import type { HumanReason } from "./reason.ts";

/**
 * KPIs of many runs, from the facts of each. Pure, and in memory that does not grow with the runs.
 *
 * K1 A run counts where it is what is counted: rates of runs are of ended ones; a run that is parked or goes on is counted as
 *    that, and in none of them. What it has done so far is among calls, human steps, first responses and what policy stopped. What a run's erased bodies would have told is in no rate either (`untold`, `unjudged`, `unknownCalls`).
 * K2 A case counts once: runs that specialists made for another run, and runs that undo another's writes, are counted apart
 *    and in nothing else; what specialists spent is in the cost of the run that they worked for.
 * K3 Every rate says what it is of. Of nothing there is no rate: `value` is absent, and not 0.
 */
export interface KpiReport {
  readonly runs: RunCounts;
  /** Closed without a human step ÷ ended. Closed is `completed` or `denied`; human steps are those of `HumanStep`. */
  readonly containment: Rate & {
    /**
     * Ended runs in which an erased body alone could say whether a person was asked, or the run of a specialist; in no part
     * of the rate.
     */
    readonly untold: number;
  };
  /** Ended `escalated` ÷ ended. */
  readonly escalation: Rate & {
    readonly byReason: Tally<HumanReason>;
    /** By the team's own words. */
    readonly byWord: Tally;
  };
  /** Ended with at least one human step ÷ ended. */
  readonly review: Rate & {
    /** Human steps of all runs, also of those that have not ended. */
    readonly steps: number;
    readonly byKind: Tally<HumanStep["kind"]>;
    readonly byReason: Tally<HumanReason>;
    /** Steps that wait for a person. */
    readonly waiting: number;
    readonly expired: number;
    /** From the request to the word of a person, of each step that got one. */
    readonly time: Distribution;
  };
  /** All in milliseconds of the journal's clock. */
  readonly time: {
    /** From the start to the first question, answer or refusal to whoever asked. */
    readonly firstResponse: Distribution;
    /** From the start to the end of closed runs, waiting included. */
    readonly resolution: Distribution;
    /** From the start to the end of ended runs, without parked time. */
    readonly active: Distribution;
    /** In which ended runs were parked, for people, times or specialists. */
    readonly parked: Distribution;
    /** From questions to the customer to their answers, of runs that asked. */
    readonly customer: Distribution;
  };
  readonly policy: {
    /** Stopped by policy: calls, other edges, answers held back. */
    readonly caught: number;
    /** Of ended runs, those in which policy stopped something. */
    readonly runs: Rate;
    /** Denied calls by code, those of policy and all others. */
    readonly denied: Tally;
    /** Among `caught`: what compliance wanted changed. */
    readonly revised: number;
    readonly rejectedByPeople: number;
    readonly handoffsRejected: number;
    readonly outputsRejected: number;
    /** Violations that got through, and runs with one ÷ runs looked at; absent: nobody has looked. */
    readonly reached?: Rate & { readonly violations: number };
  };
  /** Right, and within every bound asked for ÷ judged. */
  readonly success: Rate & {
    /** Right ÷ judged. */
    readonly quality: Rate;
    /** Within the bound ÷ ended, by bound. */
    readonly within: { readonly [Key in keyof Slo]?: Rate };
    /** Ended runs of which nobody could say whether they came out right. */
    readonly unjudged: number;
  };
  /** Exact where the provider reports it; `byBasis` says how much is not (D12). */
  readonly cost: {
    /** Of ended runs: every model call, those that failed or were lost, and what specialists spent. */
    readonly microUsd: number;
    readonly byBasis: Readonly<Record<Cost["basis"], number>>;
    readonly tokens: number;
    /** Calls whose cost nobody knows; nothing of them is in any amount. */
    readonly unknownCalls: number;
    readonly delegatedMicroUsd: number;
    /** Of runs that have not ended, so far. In nothing else. */
    readonly openMicroUsd: number;
    /** `microUsd` ÷ ended runs. */
    readonly perRun?: number;
    /** `microUsd` of all ended runs, those that failed too ÷ successes. */
    readonly perSuccess?: number;
    readonly ofRun: Distribution;
    /** What people's and tools' work in ended runs comes to by the prices that were given; in no amount above. */
    readonly modelled?: {
      readonly reviewMicroUsd: number;
      readonly toolMicroUsd: number;
      /** Both and `microUsd` ÷ successes. */
      readonly perSuccess?: number;
    };
  };
  readonly tools: { readonly [tool: string]: CallReport };
  readonly models: { readonly [model: string]: ModelReport };
  /** Model calls without any outcome. */
  readonly unheardModelCalls: number;
  /** Handoffs to agents (judges left out) and model calls (summaries left out) of ended runs. */
  readonly handoffs: Distribution;
  readonly turns: Distribution;
  /** Ended runs that something failed in (I1) ÷ ended. */
  readonly incidents: Rate & {
    readonly byCode: Tally;
    /** By type and code of the step that it is pinned to. */
    readonly byStep: Tally;
    /** The first of them that were counted, at most 20. */
    readonly some: readonly (Incident & { readonly runId: string; readonly tenant: string })[];
  };
  /** Entries that ended runs have ÷ entries that they must have (M1–M6). Runs with erased bodies are left out. */
  readonly trace: Rate & {
    /** Runs with every entry ÷ runs looked at. */
    readonly complete: Rate;
  };
}

export interface Rate {
  readonly count: number;
  readonly of: number;
  /** `count` ÷ `of`; absent of nothing. */
  readonly value?: number;
}

export type Tally<Key extends string = string> = { readonly [Name in Key]?: number };

export interface RunCounts {
  /** Cases: what specialists and undoing runs did is in `delegated` and `undo`. */
  readonly cases: number;
  readonly ended: number;
  readonly byStatus: Tally<RunStatus>;
  /** Runs, ended or not, of which bodies were erased. */
  readonly erased: number;
  /** Runs that take the place of one that was given up. */
  readonly redriven: number;
  readonly delegated: number;
  readonly undo: number;
}

export interface CallReport {
  /** Tries. */
  readonly calls: number;
  /** Failed ÷ tries with an outcome. A tool that says no has not failed. */
  readonly failure: Rate;
  readonly refused: number;
  readonly retries: number;
  readonly byCode: Tally;
  readonly uncertain: number;
  readonly denied: number;
  /** Tries of which no outcome came. */
  readonly unheard: number;
  readonly latency: Distribution;
}

export interface ModelReport extends Omit<CallReport, "refused" | "uncertain" | "denied" | "unheard"> {
  /** Answered from the cache; not in `latency`. */
  readonly cached: number;
  /** Failures after which another model was asked at once. */
  readonly fallbacks: number;
  readonly microUsd: number;
  readonly tokens: number;
}
