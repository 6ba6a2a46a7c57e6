import type { ApprovalCase } from "../approval/open-cases.ts";
import type { EndStatus, Entry } from "../event.ts";
import type { Json } from "../json.ts";
import { type Principal, user } from "../principal.ts";
import type { OpenQuestion, Run, RunResult } from "../run/run.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import type { External, PersonDecision } from "./people.ts";
import type { Turn } from "./scripted-model.ts";

/** A difference in the outside world: JSON pointer, value before, value after. */
export interface Change {
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
}

/** What must hold at the end. Everything that is left out is not looked at. */
export interface Expectation {
  readonly status?: EndStatus | "parked";
  /** Reason of an escalation, a denial or a cancel; error code of a failure. */
  readonly reason?: string;
  /** Agents in the order in which they were given work. */
  readonly path?: readonly string[];
  /** Texts that must occur in one thing that the customer was told; case, kinds of space and of writing a letter alike. */
  readonly says?: readonly string[];
  readonly neverSays?: readonly string[];
  /** Names of the writes that were done, in order. */
  readonly writes?: readonly string[];
  /** Tools that must have been read. */
  readonly reads?: readonly string[];
  /** The calls that were denied, in order. */
  readonly denied?: readonly { readonly agent: string; readonly tool: string; readonly code?: string }[];
  /** What people decided on calls that waited for them, in order; `expire` where nobody did in time. */
  readonly approvals?: readonly { readonly tool: string; readonly decision: PersonDecision["decision"] }[];
  /** How many questions were put to the customer and to operators. */
  readonly questions?: number;
  /** Exactly these changes of the world, where the scenario has one. `before` may be left out. */
  readonly changes?: readonly Change[];
}

/** A story with a known end: input, what the models say, what people answer, what must hold. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly input: Json;
  /** Stands in for the models; by agent, in order. */
  readonly script: readonly Turn[];
  /** What people outside answer and decide. */
  readonly external: readonly External[];
  readonly principal: Principal;
  readonly expect: Expectation;
  /** More than data can say; throws what it misses. */
  readonly verify: ((outcome: ScenarioOutcome) => void | Promise<void>) | undefined;
  /** The supervisor, for scenarios that stand alone. */
  readonly supervisor: SupervisorDefinition | undefined;
  /** Where it is written, for messages. */
  readonly source: string | undefined;
}

export interface ScenarioOptions {
  /** Short, without spaces; the title when it is text. */
  readonly name: string;
  readonly title?: string;
  readonly tags?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: any supervisor may be put to the test.
  readonly supervisor?: SupervisorDefinition<any, any, any>;
  readonly input: Json;
  readonly script: readonly Turn[];
  readonly external?: readonly External[];
  readonly principal?: Principal;
  readonly expect?: Expectation | ((outcome: ScenarioOutcome) => void | Promise<void>);
  /** More than data can say, beside a data `expect`; throws what it misses. */
  readonly verify?: (outcome: ScenarioOutcome) => void | Promise<void>;
  readonly source?: string;
}

/** Defines a scenario. */
export function defineScenario(options: ScenarioOptions): Scenario {
  const { expect } = options;
  return {
    name: options.name,
    title: options.title ?? options.name,
    tags: options.tags ?? [],
    input: options.input,
    script: options.script,
    external: options.external ?? [],
    principal: options.principal ?? user("customer"),
    expect: typeof expect === "function" ? {} : (expect ?? {}),
    verify: typeof expect === "function" ? expect : options.verify,
    supervisor: options.supervisor as SupervisorDefinition | undefined,
    source: options.source,
  };
}

/** A run that waits: nobody in the scenario could answer or decide, and it was left as it is. */
export interface ParkedResult {
  readonly status: "parked";
  readonly runId: string;
  readonly approvals: readonly ApprovalCase[];
  readonly questions: readonly OpenQuestion[];
}

/** What a scenario came to. */
export interface ScenarioOutcome {
  readonly scenario: Scenario;
  readonly run: Run;
  readonly result: RunResult | ParkedResult;
  readonly entries: readonly Entry[];
  readonly types: readonly string[];
  /** What the customer was told: questions, then the final reply; in a sandbox also the messages that tools have sent. */
  readonly said: readonly string[];
  /** Changes of the world, where there is one. */
  readonly changes: readonly Change[] | undefined;
}
