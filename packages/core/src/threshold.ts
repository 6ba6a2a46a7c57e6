import type { AnyAgent, OutputOf } from "./agent.ts";

/** What happens to an answer whose confidence is too low: a stronger model tries, then a person (or the person at once). */
export interface Threshold<Of extends string = string, Alias extends string = string> {
  readonly kind: "threshold";
  readonly agent: Of;
  readonly agentValue: AnyAgent;
  /** An answer below this, from 0 to 1, is not taken. */
  readonly atLeast: number;
  readonly read: (output: never) => number;
  /** Alias of the model that tries again with the same payload; absent: a person at once. */
  readonly stronger: Alias | undefined;
  readonly version: string;
}

interface ThresholdOptions<Of extends AnyAgent> {
  readonly agent: Of;
  readonly atLeast: number;
  readonly read: (output: OutputOf<Of>) => number;
  readonly version?: string;
}

/** Defines a confidence threshold over an agent's typed result. */
export function defineThreshold<const Of extends AnyAgent, const Alias extends string>(
  options: ThresholdOptions<Of> & { readonly stronger: Alias },
): Threshold<Of["name"], Alias>;
export function defineThreshold<const Of extends AnyAgent>(options: ThresholdOptions<Of>): Threshold<Of["name"], never>;
export function defineThreshold(options: ThresholdOptions<AnyAgent> & { readonly stronger?: string }): Threshold {
  return {
    kind: "threshold",
    agent: options.agent.name,
    agentValue: options.agent,
    atLeast: options.atLeast,
    read: options.read as Threshold["read"],
    stronger: options.stronger,
    version: options.version ?? "0",
  };
}
