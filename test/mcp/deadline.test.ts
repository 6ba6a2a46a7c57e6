import { createSupervisor, defineAgent, type Entry, memoryEngine, user } from "@remit/core";
import { answers, callsAll, scriptedModel } from "@remit/core/testing";
import { connectMcp } from "@remit/mcp-bridge";
import { expect, test } from "vitest";
import { z } from "zod";
import { hostileServer } from "../../packages/mcp-bridge/src/testing/fixture.ts";

/** How long a call of a run may take: silence is bounded by `timeoutMs` of the tool, all of it by `limits.callMsMax`. */

test("in a run, a call with progress outlives `timeoutMs` and not `callMsMax`; a silent one ends at `timeoutMs`", async () => {
  const fixture = hostileServer("good");
  const timeoutMs = 2_000;
  const config = { effect: "read", timeoutMs, retry: { attempts: 1 } } as const;
  const connection = await connectMcp({
    name: "shop",
    transport: fixture.transport,
    tools: { progress_while: config, progress_forever: config, hang: config },
    limits: { callMsMax: 6_000 },
  });
  const engine = memoryEngine();
  try {
    const { tools } = connection;
    const clerk = defineAgent({
      name: "clerk",
      description: "Waits.",
      model: "fast",
      tools: [tools.progress_while, tools.progress_forever, tools.hang],
      input: z.object({ text: z.string() }),
      output: z.object({ text: z.string() }),
      instructions: "Call every tool, then say that you are done.",
    });
    const wanted = [
      ["progress_while", { text: "4000" }],
      ["progress_forever", { text: "" }],
      ["hang", { text: "" }],
    ] as const;
    const desk = createSupervisor({
      name: "desk",
      agents: { clerk },
      entry: "clerk",
      exit: "clerk",
      handoffs: [],
      models: { fast: scriptedModel([callsAll(clerk, wanted), answers(clerk, { text: "done" })]) },
      engine,
    });
    const run = await desk.start({ text: "go" }, { tenant: "acme", principal: user("u") });
    expect((await run.result()).status).toBe("completed");
    const entries = await run.entries();
    const [called] = entries.filter(({ type }) => type === "tool.called");
    const ended = (type: "tool.returned" | "tool.failed", path: string) =>
      entries.find(
        (entry): entry is Entry<"tool.returned"> | Entry<"tool.failed"> => entry.type === type && entry.path === path,
      );
    const took = (entry: { readonly at: number } | undefined) => (entry?.at ?? 0) - (called?.at ?? 0);
    const [lived, endless, silent] = [
      ended("tool.returned", "clerk#1/tool#1"),
      ended("tool.failed", "clerk#1/tool#2"),
      ended("tool.failed", "clerk#1/tool#3"),
    ];
    expect(lived?.body).toMatchObject({ output: { text: "at last" } });
    // Each is told the bound that it went over.
    const late = (bound: number) => ({
      error: { code: "tool/failed", data: { cause: { code: "mcp/call-timeout", data: { timeoutMs: bound } } } },
    });
    expect(endless?.body).toMatchObject(late(6_000));
    expect(silent?.body).toMatchObject(late(timeoutMs));
    // In the order of their ends; a slow machine moves all of them.
    expect(took(silent)).toBeGreaterThanOrEqual(timeoutMs);
    expect(took(lived)).toBeGreaterThan(took(silent));
    expect(took(endless)).toBeGreaterThan(took(lived));
    expect(took(endless)).toBeGreaterThanOrEqual(6_000);
    expect((await desk.replay(run.id, { tenant: "acme" })).fault).toBeUndefined();
  } finally {
    await connection.close();
    await engine.close();
    fixture.remove();
  }
}, 60_000);
