import { checkSupervisor } from "../check/check.ts";
import { OrchestrationError } from "../errors.ts";
import type { Json } from "../json.ts";
import { assertBound } from "../limits.ts";
import { modelsOf, type Route } from "../model/route.ts";
import type { Logger } from "../port/logger.ts";
import type { Model } from "../port/model.ts";
import type { SupervisorDefinition } from "./definition.ts";
import type { RuntimeOptions } from "./options.ts";

/** @throws OrchestrationError `supervisor/unsound` for an error that `check` finds; its warnings are for people who ask */
export function assertSound(definition: SupervisorDefinition, options: RuntimeOptions<string>, logger: Logger): void {
  const errors = checkSupervisor(definition, options).findings.filter(({ severity }) => severity === "error");
  const [first] = errors;
  if (!first) return;
  const supervisor = definition.name;
  if (options.check !== "log") {
    const told = `${first.code}: ${first.message}. ${first.hint}`;
    const findings = errors as unknown as Json;
    throw new OrchestrationError("supervisor/unsound", { supervisor, count: errors.length, first: told, findings });
  }
  for (const { code, message, path } of errors) {
    logger.error({ supervisor, code, path: path.join(" > "), reason: message }, "a supervisor will go wrong");
  }
}

/**
 * Exactly the aliases that the agents use.
 * @throws OrchestrationError `model/alias-unknown`, `model/alias-unused`, `limits/not-a-bound`
 */
export function checkModels(definition: SupervisorDefinition, models: Readonly<Record<string, Model | Route>>): void {
  for (const alias of definition.aliases) {
    if (Object.hasOwn(models, alias)) continue;
    const agent = [...definition.agents.values()].find(({ model }) => model === alias)?.name ?? definition.name;
    throw new OrchestrationError("model/alias-unknown", { agent, alias });
  }
  for (const alias of Object.keys(models)) {
    if (!definition.aliases.includes(alias)) throw new OrchestrationError("model/alias-unused", { alias });
    for (const model of modelsOf(models[alias] as Model | Route)) {
      for (const bound of ["timeoutMs", "firstSignMs"] as const) {
        const value = model[bound];
        if (value !== undefined) assertBound(`${bound} of the model ${model.id}`, value);
      }
    }
  }
}

/**
 * Where a budget is in force, every paid model says what a call may cost: one that does not would never be called.
 * @throws OrchestrationError `budget/unpriced`
 */
export function checkPrices(models: Readonly<Record<string, Model | Route>>): void {
  for (const [alias, source] of Object.entries(models)) {
    for (const { id: model, cost, quote } of modelsOf(source)) {
      if (cost !== "zero" && !quote) throw new OrchestrationError("budget/unpriced", { model, alias });
    }
  }
}
