import { createSupervisor, defineAgent, defineSupervisor, type Model, memoryEngine, runSupervisor } from "@remit/core";
import { scriptedModel } from "@remit/core/testing";
import { z } from "zod";
import { defineConfig, type RemitConfig } from "./define-config.ts";

const text = z.object({ text: z.string() });
const clerk = defineAgent({
  name: "clerk",
  description: "",
  model: "fast",
  tools: [],
  input: text,
  output: text,
  instructions: "",
});
const team = { agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] } as const;
const desk = defineSupervisor(team);
const fast: Model = scriptedModel([]);

export const compiled: RemitConfig = defineConfig({ supervisors: desk, engine: { sqlite: "a.db" }, models: { fast } });
export const several: RemitConfig = defineConfig({
  supervisors: [desk, runSupervisor(desk, { engine: memoryEngine(), models: { fast } })],
  tenants: ["acme"],
});
// Whoever puts one to work gets the models that are configured, by their aliases.
export const made: RemitConfig = defineConfig({
  models: () => ({ fast }),
  engine: () => memoryEngine(),
  supervisors: ({ engine, models }) => createSupervisor({ ...team, engine, models }),
});
export const inTime: RemitConfig = defineConfig({
  models: async () => ({ fast }),
  supervisors: [async ({ engine, models }) => [runSupervisor(desk, { engine, models })]],
});

defineConfig({
  models: { slow: fast },
  // @ts-expect-error the desk asks for the alias "fast", and nobody configures it
  supervisors: ({ engine, models }) => runSupervisor(desk, { engine, models }),
});
// @ts-expect-error a tenant is a name
defineConfig({ tenants: [7] });
// @ts-expect-error there is no such member
defineConfig({ pack: {} });
