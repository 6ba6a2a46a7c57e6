import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { DecodedCall, ServedAnswer } from "@remit/agents/testing";
import {
  type Json,
  type JsonSchema,
  type Message,
  type Model,
  type ModelRequest,
  memoryEngine,
  type SupervisorDefinition,
  type ToolResultPart,
} from "@remit/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pack } from "../../apps/sandbox/src/pack.ts";
import { runSuite } from "../../apps/sandbox/src/suite/runner.ts";
import { openWorkspace } from "../../apps/sandbox/src/suite/workspace.ts";
import { retailPack } from "../../apps/sandbox/src/tau2/pack.ts";
import { type Wire, wires } from "../support/wire.ts";

/**
 * The published tasks with a vendor's protocol between the team and its oracle. The oracle stands behind the server and knows
 * what came over the wire alone; headers say only which run it is and how often it was asked. What the wire loses on the
 * way there is an end state that is wrong, and what it changes is told by a comparison with what was sent.
 */

const folder = resolve(process.env.REMIT_DATA_DIR ?? "../shared/data", "tau2-retail");
const present = existsSync(join(folder, "tasks.json"));
/** Every so many tasks one is played. */
const every = process.env.REMIT_WIRE_TASKS === "all" ? 1 : 6;

/** A payload as it stands between the delimiters of a turn. */
function payloadsIn(text: string): readonly { readonly of: string | undefined; readonly payload: Json }[] {
  return [...text.matchAll(/<(?:input|answer from="(\w+)")>\n(.*?)\n<\/(?:input|answer)>/gs)].map(([, of, json]) => ({
    of,
    payload: JSON.parse(json as string) as Json,
  }));
}

function resultOf(text: string, callId: string, tool: string): ToolResultPart {
  const value = JSON.parse(text) as Json;
  const { status, code, message } = value as { readonly [key: string]: string };
  if (typeof status === "string" && typeof code === "string" && /^(denied|failed)$/.test(status)) {
    return { callId, tool, status, error: { code, message } } as unknown as ToolResultPart;
  }
  return { callId, tool, status: "done", output: value };
}

/** The conversation behind the input, in our words again. Questions of before are texts by then. */
function messagesOf({ turns }: DecodedCall): readonly Message[] {
  const messages: Message[] = [];
  const tools = new Map<string, string>();
  for (const { role, text, calls, callId = "" } of turns) {
    if (role === "assistant") {
      for (const call of calls) tools.set(call.callId, call.tool);
      const said = text === "" ? [] : [{ type: "text" as const, text }];
      messages.push({ role, parts: [...said, ...calls.map((call) => ({ type: "toolCall" as const, ...call }))] });
    } else if (role === "tool") {
      const last = messages.at(-1);
      const result = resultOf(text, callId, tools.get(callId) ?? "");
      if (last?.role === "tool") messages[messages.length - 1] = { role, results: [...last.results, result] };
      else messages.push({ role, results: [result] });
    } else {
      for (const { of, payload } of payloadsIn(text)) {
        if (of) messages.push({ role: "answer", of: of as "customer", answer: payload });
      }
    }
  }
  return messages;
}

/** From its own place, from the tool that takes the answer, or from the words of the instructions. */
function schemaOf(call: DecodedCall): JsonSchema {
  const { returnTool } = call as { readonly returnTool?: { readonly inputSchema: JsonSchema } };
  const told = /The output schema, as JSON Schema:\n(\{.*\})$/m.exec(call.system)?.[1];
  const schema = call.schema ?? returnTool?.inputSchema ?? (JSON.parse(told ?? "{}") as JsonSchema);
  const { answer, ...others } = (schema.properties ?? {}) as { readonly [name: string]: JsonSchema };
  return answer && Object.keys(others).length === 0 ? answer : schema;
}

/** Who is asked, by the instructions that came. */
function agentOf(call: DecodedCall, definition: SupervisorDefinition): string {
  const { compliance, reviewer } = definition.judges ?? {};
  const all = [...definition.agents.values(), ...[compliance, reviewer].filter((one) => one !== undefined)];
  const found = all.filter(({ instructions }) => call.system.startsWith(`${instructions}\n\nHow this works:`));
  if (found.length !== 1) throw new Error(`${found.length} agents have these instructions`);
  return found[0]?.name as string;
}

function requestOf(call: DecodedCall, definition: SupervisorDefinition): ModelRequest {
  const {
    run: runId = "",
    path = "",
    turn,
    attempt,
    calls,
    attributes = "",
  } = JSON.parse(call.headers["x-context"] ?? "{}") as { readonly [key: string]: string };
  const [input] = payloadsIn(call.turns[0]?.text ?? "");
  if (!input || input.of !== undefined) throw new Error("there is no input");
  return {
    agent: agentOf(call, definition),
    instructions: call.system,
    input: input.payload,
    messages: messagesOf(call),
    tools: call.tools.filter(({ name }) => !name.startsWith("ask_")),
    asks: call.tools.flatMap(({ name }) => (/^ask_/.test(name) ? [name.slice(4) as "customer"] : [])),
    outputSchema: schemaOf(call),
    labels: [],
    context: {
      tenant: "",
      runId,
      path,
      turn: Number(turn),
      attempt: Number(attempt),
      agentCall: Number(calls),
      attributes: JSON.parse(attributes) as Record<string, string>,
    },
  };
}

/** What of a request has to come over whole, in a form in which both ends can be compared. */
function essenceOf({ agent, input, messages, tools, asks }: ModelRequest): Json {
  const told = messages.map((message): unknown => {
    if (message.role === "assistant") {
      return message.parts.flatMap((part) => (part.type === "toolCall" ? [[part.tool, part.input]] : []));
    }
    if (message.role === "tool") {
      return message.results.map((one) => [one.tool, one.status === "done" ? one.output : one.error.message]);
    }
    if (message.role === "summary") return [message.messages, message.text];
    return message.role === "answer" ? [message.of, message.answer] : message.issues.map((issue) => issue.message);
  });
  const essence = { agent, input, told, tools: tools.map(({ name, description }) => [name, description]), asks };
  return JSON.parse(JSON.stringify(essence)) as Json;
}

describe.skipIf(!present)(`tau2 retail over each vendor's protocol${present ? "" : ` (no data at ${folder})`}`, () => {
  let dir: string;
  let pack: Pack;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "remit-tau2-wire-"));
    pack = retailPack(folder);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const play = async (wire: Wire) => {
    let oracle: Model | undefined;
    let definition: SupervisorDefinition | undefined;
    const sent = new Map<string, Json>();
    const contextOf = ({ context }: ModelRequest) =>
      JSON.stringify({
        run: context.runId,
        path: context.path,
        turn: context.turn,
        attempt: context.attempt,
        calls: context.agentCall,
        attributes: JSON.stringify(context.attributes),
      });
    const server = await wire.serve({
      answer: async (call): Promise<ServedAnswer> => {
        if (!oracle || !definition) throw new Error("nobody is there yet");
        const request = requestOf(call, definition);
        expect(essenceOf(request)).toEqual(sent.get(call.headers["x-context"] ?? ""));
        return oracle.generate(request, { signal: new AbortController().signal });
      },
    });
    try {
      const names = pack.scenarios().flatMap(({ name }, index) => (index % every === 0 ? [name] : []));
      const id = `wire-${wires.indexOf(wire)}`;
      const report = await runSuite({
        suite: {
          format: 1,
          id,
          pack: { name: pack.name, folder },
          model: { name: "oracle", seed: 0 },
          scenarios: names,
          approver: "auto",
          startedAt: 0,
        },
        pack,
        workspace: openWorkspace(join(dir, id)),
        engine: memoryEngine(),
        through: (scripted) => {
          oracle = scripted;
          return wire.model(server.url, "oracle", {
            headers: (request) => {
              const context = contextOf(request);
              sent.set(context, essenceOf(request));
              return { "x-context": context };
            },
          });
        },
        onEvent: (event) => {
          if (event.type === "connected") definition = event.supervisor.definition;
        },
      });
      return { report, tasks: names.length, calls: server.calls() };
    } finally {
      await server.close();
    }
  };

  test.each(wires)("$name: every end state is the one that the task wants", { timeout: 600_000 }, async (wire) => {
    const { report, tasks, calls } = await play(wire);
    expect(calls.flatMap(({ threw }) => threw ?? []).slice(0, 1)).toEqual([]);
    expect(report.scenarios.filter(({ ok }) => !ok).map(({ name, checks }) => [name, checks])).toEqual([]);
    expect(report.closing).toEqual([
      expect.stringContaining(`db ${tasks}/${tasks} `),
      expect.stringMatching(/records 0 · without confirmation 0 · twice 0/),
    ]);
    expect(report.violations).toEqual([]);
    console.log(`${wire.name}: ${report.closing[0]}, ${calls.length} calls over the wire`);
  });
});
