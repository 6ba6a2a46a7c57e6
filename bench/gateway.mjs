// @ts-check
/**
 * What the gateway costs on top of a vendor's SDK: the same request to the same server on this machine, once by the SDK
 * alone and once through the gate (choice, quote, bounds, breaker, rendering, reading, price), turn by turn in one run. No
 * journal: what a commit costs is measured in bench/journal.mjs. The server is a process of its own.
 *
 *   npm run bench:gateway [-- --calls 500]
 *
 * The target is 10 % at the median, or 0.2 ms where that is more. The exit code is 1 where it is missed.
 */
import { fork } from "node:child_process";
import { parseArgs } from "node:util";
import Anthropic from "@anthropic-ai/sdk";
import { anthropic } from "@remit/agents/anthropic";
import { openai, openaiCompatible } from "@remit/agents/openai";
import { priceTable } from "@remit/agents/prices";
import { anthropicServer, openaiServer } from "@remit/agents/testing";
import { defineAgent, defineSupervisor, defineTool, silentTracer, systemClock } from "@remit/core";
import OpenAI from "openai";
import { z } from "zod";
import { breakers } from "../packages/core/src/effect/breaker.ts";
import { limiter } from "../packages/core/src/effect/limiter.ts";
import { modelGateway } from "../packages/core/src/model/gateway.ts";

const { values } = parseArgs({
  options: { calls: { type: "string", default: "500" }, serve: { type: "string" } },
});

/** Calls of each kind before any is counted: the first ones measure the compiler. */
const warmUp = 400;

/** @param {string} name */
const serve = async (name) => {
  const open = name === "anthropic" ? anthropicServer : openaiServer;
  const server = await open({ answer: () => ({ parts: [{ type: "output", value: { text: "well ".repeat(60) } }] }) });
  process.on("message", () => process.send?.(server.calls().at(-1)?.body));
  process.send?.(server.url);
};

if (values.serve !== undefined) await serve(values.serve);
else await compare(Number(values.calls));

/** @param {number} calls */
async function compare(calls) {
  const price = priceTable({ overrides: { m: { inputPerMillion: 1, outputPerMillion: 4 } } }).of("m");

  /** @type {Record<string, { server: string, model: (url: string, stream: boolean) => import("@remit/core").Model, ask: (url: string) => (body: object) => Promise<unknown>, textOf: (answer: any) => string, pieceOf: (event: any) => string }>} */
  const vendors = {
    "openai responses": {
      server: "openai",
      model: (url, stream) => openai("m", { apiKey: "test", baseUrl: `${url}/v1`, stream, price }),
      ask: (url) => {
        const client = new OpenAI({ apiKey: "test", baseURL: `${url}/v1`, maxRetries: 0 });
        return (body) => client.responses.create(body);
      },
      textOf: (answer) => answer.output_text,
      pieceOf: (event) => (event.type === "response.output_text.delta" ? event.delta : ""),
    },
    "openai chat": {
      server: "openai",
      model: (url, stream) => openaiCompatible("m", { baseUrl: `${url}/v1`, stream, price }),
      ask: (url) => {
        const client = new OpenAI({ apiKey: "test", baseURL: `${url}/v1`, maxRetries: 0 });
        return (body) => client.chat.completions.create(/** @type {any} */ (body));
      },
      textOf: (answer) => answer.choices[0].message.content,
      pieceOf: (event) => event.choices[0]?.delta.content ?? "",
    },
    "anthropic messages": {
      server: "anthropic",
      model: (url, stream) => anthropic("m", { apiKey: "test", baseUrl: url, stream, price }),
      ask: (url) => {
        const client = new Anthropic({ apiKey: "test", baseURL: url, maxRetries: 0 });
        return (body) => client.messages.create(/** @type {any} */ (body));
      },
      textOf: (answer) => answer.content[0].text,
      pieceOf: (event) => (event.type === "content_block_delta" ? event.delta.text : ""),
    },
  };

  const children = [];
  const rows = [];
  for (const [name, vendor] of Object.entries(vendors)) {
    const child = fork(new URL(import.meta.url), ["--serve", vendor.server]);
    children.push(child);
    const url = String(await heard(child));
    for (const stream of [false, true]) {
      const through = gated(vendor.model(url, stream));
      await through();
      child.send("body");
      const body = /** @type {object} */ (await heard(child));
      const ask = vendor.ask(url);
      const alone = async () => {
        const began = performance.now();
        const answer = /** @type {AsyncIterable<unknown>} */ (await ask(body));
        let first = Number.NaN;
        let text = "";
        if (!stream) text = vendor.textOf(answer);
        else {
          for await (const event of answer) {
            const piece = vendor.pieceOf(event);
            if (piece !== "" && Number.isNaN(first)) first = performance.now() - began;
            text += piece;
          }
        }
        // The value that was asked for, as anybody who uses the SDK has to take it out of the text.
        if (typeof JSON.parse(text).text !== "string") throw new Error(text);
        return { whole: performance.now() - began, first };
      };
      rows.push({ name, stream, alone, through });
    }
  }
  // All of it is warm before any of it counts, so that no row pays for what the others use as well.
  for (const { alone, through } of rows) await played(warmUp, alone, through);

  console.log(`${calls} calls each, turn by turn; milliseconds`);
  console.log("| vendor | what | SDK p50 | gateway p50 | SDK p95 | gateway p95 | more at p50 |");
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const { name, stream, alone, through } of rows) {
    const times = await played(calls, alone, through);
    row(name, stream ? "whole, streamed" : "whole", times, "whole");
    if (stream) row(name, "first token", times, "first");
  }
  for (const child of children) {
    child.disconnect();
    child.kill();
  }
}

/**
 * Plays both in turn. Who comes first changes, so that neither has the warmer connection.
 * @param {number} calls @param {() => Promise<Time>} alone @param {() => Promise<Time>} through
 */
async function played(calls, alone, through) {
  /** @type {{ alone: Time[], through: Time[] }} */
  const times = { alone: [], through: [] };
  for (let call = 0; call < calls; call++) {
    const turns = entries(alone, through);
    for (const [who, one] of call % 2 === 0 ? turns : turns.reverse()) times[who].push(await one());
  }
  return times;
}

/** @typedef {{ whole: number, first: number }} Time */

/**
 * @param {() => Promise<Time>} alone @param {() => Promise<Time>} through
 * @returns {["alone" | "through", () => Promise<Time>][]}
 */
function entries(alone, through) {
  return [
    ["alone", alone],
    ["through", through],
  ];
}

/** @param {import("node:child_process").ChildProcess} child */
function heard(child) {
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("error", reject);
  });
}

/** One call through the gate, quoted as it is under a budget. @param {import("@remit/core").Model} model */
function gated(model) {
  const text = z.object({ text: z.string() });
  const lookUp = defineTool({
    name: "look_up",
    description: "Finds an order by its number.",
    input: text,
    output: text,
    effect: "read",
    execute: (input) => input,
  });
  const clerk = defineAgent({
    name: "clerk",
    description: "Answers.",
    model: "m",
    tools: [lookUp],
    streams: true,
    input: text,
    output: text,
    instructions: "You are the clerk of a service desk. Answer politely and in short.",
  });
  const definition = defineSupervisor({ agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
  const clock = systemClock();
  let first = Number.NaN;
  let began = 0;
  const gate = modelGateway({
    models: { m: model },
    definition: /** @type {import("@remit/core").SupervisorDefinition} */ (/** @type {unknown} */ (definition)),
    clock,
    tracer: silentTracer,
    breakers: breakers({ clock }),
    limiter: limiter({ most: () => 64, waitingMax: 1_000 }),
    deltas: {
      voice: () => ({
        say: () => {
          if (Number.isNaN(first)) first = performance.now() - began;
        },
        end: () => {},
        retract: () => {},
      }),
      listen: () => () => {},
      redact: (said) => said,
    },
  });
  const key = { tenant: "bench", runId: "run_1" };
  // Each call is a command of its own, with its own payload: what is kept for one is of no use to the next.
  const next = () =>
    /** @type {const} */ ({
      type: "callModel",
      id: "clerk#1/model#1",
      path: "clerk#1",
      agent: "clerk",
      alias: "m",
      turn: 1,
      attempt: 1,
      agentCall: 0,
      input: { text: "Where is order 7? ".repeat(20) },
      messages: [],
      tools: ["look_up"],
      labels: [],
      tried: [],
      attributes: {},
    });
  return async () => {
    const command = next();
    first = Number.NaN;
    began = performance.now();
    gate.quote(key, command);
    const event = await gate.call(key, command, new AbortController().signal);
    const whole = performance.now() - began;
    if (event.type !== "model.responded") throw new Error(JSON.stringify(event.body));
    return { whole, first };
  };
}

/** @param {readonly number[]} sorted @param {number} share */
function at(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** @param {string} name @param {string} what @param {{ alone: Time[], through: Time[] }} times @param {keyof Time} of */
function row(name, what, times, of) {
  const [alone, through] = [times.alone, times.through].map((list) => list.map((one) => one[of]).sort((a, b) => a - b));
  const [sdk, ours] = [at(alone ?? [], 0.5), at(through ?? [], 0.5)];
  const cells = [sdk, ours, at(alone ?? [], 0.95), at(through ?? [], 0.95)].map((ms) => ms.toFixed(2));
  const more = `${(ours - sdk).toFixed(2)} ms, ${((100 * (ours - sdk)) / sdk).toFixed(0)} %`;
  const isMissed = ours - sdk > Math.max(0.2, sdk * 0.1);
  if (isMissed) process.exitCode = 1;
  console.log(`| ${name} | ${what} | ${cells.join(" | ")} | ${more}${isMissed ? " (missed)" : ""} |`);
}
