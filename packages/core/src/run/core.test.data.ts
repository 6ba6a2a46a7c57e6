import type { InputEvent, ResponsePart } from "../event.ts";
import type { Json } from "../json.ts";
import { user } from "../principal.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { RunCore } from "./core.ts";

/** A run's core, told of what would come from outside. */
export function coreOf(definition: SupervisorDefinition) {
  const core = new RunCore({ definition, tenant: "acme", runId: "run_1", tenantKey: "key" });
  let seq = 0;
  const apply = (event: InputEvent) => {
    const drafts = core.apply(event, 1_000, seq + 1)?.drafts ?? [];
    seq += drafts.length;
    return drafts;
  };
  const start = (input: Json, labels: readonly string[], version: string) =>
    apply({
      id: "start",
      type: "run.started",
      path: "",
      body: {
        supervisor: definition.name,
        definitionHash: definition.hash,
        input,
        principal: user("ann"),
        labels: { "": labels },
        policyVersion: version,
        format: 1,
      },
    });
  const answer = (path: string, command: string, parts: readonly ResponsePart[]) =>
    apply({ id: command, type: "model.responded", path, body: { command, model: "m", parts } });
  return { start, apply, answer };
}
