import { z } from "zod";
import type { CallModelCommand } from "../command.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { InputEvent } from "../event.ts";
import { plainJson } from "../json.ts";
import type { Clock } from "../port/clock.ts";
import type { RunKey } from "../port/engine.ts";
import type { Model, ModelRequest, ModelResponse } from "../port/model.ts";
import { spanNames, type Tracer } from "../port/tracer.ts";
import { issuesOf } from "../schema.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";

/** The one holder of model clients (R3): alias in, journaled answer out. Never throws. */
export interface ModelGateway {
  readonly call: (key: RunKey, command: CallModelCommand, signal: AbortSignal) => Promise<InputEvent>;
  /** True when a call under this alias must wait until everything before it is durable (D2). */
  readonly isPaid: (alias: string) => boolean;
}

/** Anything but nothing; whether it is JSON is looked at once, for the whole answer. */
const given = z.unknown().refine((value) => value !== undefined, "it is missing");
const part = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("toolCall"), callId: z.string().min(1), tool: z.string(), input: given }),
  z.object({ type: z.literal("output"), value: given }),
  z.object({ type: z.literal("ask"), of: z.enum(["customer", "operator"]), question: z.string().min(1) }),
  z.object({ type: z.literal("refusal"), reason: z.string() }),
]);
const count = z.number().int().nonnegative();
const response = z.object({
  parts: z.array(part).min(1),
  usage: z
    .object({
      inputTokens: count,
      outputTokens: count,
      cachedInputTokens: count.optional(),
      reasoningTokens: count.optional(),
    })
    .optional(),
  cost: z
    .object({ microUsd: z.number().nonnegative(), basis: z.enum(["reported", "estimated", "reserved"]) })
    .optional(),
  model: z.string().optional(),
});

const defaultTimeoutMs = 120_000;

export function modelGateway(options: {
  readonly models: Readonly<Record<string, Model>>;
  readonly definition: SupervisorDefinition;
  readonly clock: Clock;
  readonly tracer: Tracer;
}): ModelGateway {
  const { models, definition, clock, tracer } = options;
  const { payloadBytes } = definition.limits;

  /** One look at an answer: shape, JSON, size. What comes out is a copy, which nobody outside holds. */
  const read = (answer: unknown, model: string): ModelResponse => {
    const refuse = (reason: string) => new OrchestrationError("model/response-invalid", { model, reason });
    const parsed = response.safeParse(answer);
    if (!parsed.success) {
      const [first] = issuesOf(parsed.error);
      throw refuse(`${first?.pointer || "/"}: ${first?.message ?? "invalid"}`);
    }
    const plain = plainJson(parsed.data);
    if (!plain.ok) throw refuse(`${plain.fault.pointer || "/"}: not JSON: ${plain.fault.reason}`);
    const bytes = Buffer.byteLength(JSON.stringify(plain.value));
    if (bytes > payloadBytes) throw refuse(`${bytes} bytes, more than the limit of ${payloadBytes}`);
    return plain.value as unknown as ModelResponse;
  };

  return {
    isPaid: (alias) => models[alias]?.cost !== "zero",
    call: async (key, command, signal) => {
      const model = models[command.alias];
      const agent = findAgent(definition, command.agent);
      const event = <Type extends "model.responded" | "model.failed">(type: Type, body: InputEvent<Type>["body"]) =>
        ({ id: command.id, type, path: command.path, body }) as InputEvent<Type>;
      if (!model || !agent) {
        const error = new OrchestrationError("model/alias-unknown", { agent: command.agent, alias: command.alias });
        return event("model.failed", { command: command.id, model: command.alias, error: error.toRecord() });
      }
      const request: ModelRequest = {
        agent: agent.name,
        instructions: agent.instructions,
        input: command.input,
        // The run's own list grows on; what this call was asked stays as it is.
        messages: [...command.messages],
        tools: agent.tools
          .filter(({ name }) => command.tools.includes(name))
          .map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
        asks: agent.asks,
        outputSchema: agent.outputSchema,
        context: {
          tenant: key.tenant,
          runId: key.runId,
          path: command.path,
          turn: command.turn,
          agentCall: command.agentCall,
          attributes: command.attributes,
        },
      };
      const timeoutMs = model.timeoutMs ?? defaultTimeoutMs;
      const own = new AbortController();
      const span = tracer.span(spanNames.model(model.id), { "gen_ai.agent.name": agent.name });
      let timer: { cancel: () => void } | undefined;
      let onAbort: (() => void) | undefined;
      try {
        if (signal.aborted) own.abort();
        const outcome = model.generate(request, { signal: own.signal });
        const answer: ModelResponse = isThenable(outcome)
          ? await Promise.race([
              outcome,
              new Promise<never>((_, reject) => {
                timer = clock.at(clock.now() + timeoutMs, () => {
                  reject(new OrchestrationError("model/timeout", { model: model.id, timeoutMs }));
                  own.abort();
                });
                onAbort = () => {
                  reject(new OrchestrationError("model/failed", { model: model.id, reason: "it was stopped" }));
                  own.abort();
                };
                if (signal.aborted) onAbort();
                else signal.addEventListener("abort", onAbort, { once: true });
              }),
            ])
          : outcome;
        const { parts, usage, cost, model: name } = read(answer, model.id);
        span.end();
        return event("model.responded", {
          command: command.id,
          model: name ?? model.id,
          parts,
          ...(usage ? { usage } : {}),
          ...(cost ? { cost } : {}),
        });
      } catch (thrown) {
        const error = OrchestrationError.is(thrown)
          ? thrown
          : new OrchestrationError("model/failed", { model: model.id, reason: reasonOf(thrown) }, { cause: thrown });
        span.end({ code: error.code });
        return event("model.failed", { command: command.id, model: model.id, error: error.toRecord() });
      } finally {
        timer?.cancel();
        if (onAbort) signal.removeEventListener("abort", onAbort);
      }
    },
  };
}

function isThenable(value: unknown): value is PromiseLike<ModelResponse> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** An agent of a team or of a team inside it. */
export function findAgent(
  definition: SupervisorDefinition,
  name: string,
): ReturnType<SupervisorDefinition["agents"]["get"]> {
  const direct = definition.agents.get(name);
  if (direct && !direct.team) return direct;
  for (const { team } of definition.agents.values()) {
    const inner = team && findAgent(team, name);
    if (inner) return inner;
  }
  return direct;
}
