import type { Model } from "@remit/core";
import type { Scenario } from "@remit/core/testing";
import { SandboxError } from "../errors.ts";
import type { Conduct } from "./conduct.ts";
import { type NoiseKind, noisyModel } from "./noisy.ts";
import { noopModel } from "./noop.ts";
import { oracleModel } from "./oracle.ts";

/** The scripted models, which need no key. */
export const modelNames = ["oracle", "noop", "noisy", "workflow"] as const;
export type ModelName = (typeof modelNames)[number];

export function isModelName(name: string): name is ModelName {
  return (modelNames as readonly string[]).includes(name);
}

/** @throws SandboxError `model/choice-unknown`, `usage/wrong` where the pack brings no procedure for `workflow` */
export function chooseModel(
  name: string,
  options: {
    readonly scenarios: readonly Scenario[];
    readonly seed: number;
    readonly tools: readonly string[];
    readonly conduct?: Conduct | undefined;
    readonly onNoise?: (kind: NoiseKind) => void;
    /** The pack's own model, which goes by a procedure and knows no scenario. */
    readonly workflow?: (() => Model) | undefined;
  },
): Model {
  switch (name) {
    case "oracle":
      return oracleModel(options.scenarios, options.conduct);
    case "noop":
      return noopModel();
    case "noisy":
      return noisyModel(options);
    case "workflow":
      if (options.workflow) return options.workflow();
      throw new SandboxError("usage/wrong", {
        reason: "the model workflow is for packs that bring a procedure to follow",
      });
    default:
      throw new SandboxError("model/choice-unknown", { model: name });
  }
}
