import { type ApprovalCase, OrchestrationError, type Supervisor, service } from "@remit/core";
import { expect, test } from "vitest";
import type { ServedCallContext, ServedResult } from "../served.ts";
import { operatorTools } from "./operator-tools.ts";

/** Calls that wait, each with so many bytes of arguments. */
function waiting(...bytes: readonly number[]) {
  const cases = bytes.map((size, index) => ({
    address: `run_${index}/client#1/tool#1`,
    tool: "desk_pay",
    input: { note: "x".repeat(size) },
    risk: "high",
    reversible: false,
    why: "because",
    requesters: ["ada"],
    requestedAt: 0,
    expiresAt: 1,
    binding: `b${index}`,
  })) as unknown as readonly ApprovalCase[];
  const supervisor = {
    approvals: {
      list: async () => cases,
      show: async (tenant: string, address: string) => {
        const found = cases.find((one) => one.address === address);
        if (!found) throw new OrchestrationError("approval/unknown", { tenant, address });
        return found;
      },
    },
  } as unknown as Supervisor;
  const [list] = operatorTools(supervisor, () => true);
  const context = { client: { principal: service("ops"), tenant: "local" } } as unknown as ServedCallContext;
  return async (input: object) => {
    const result = (await list?.call(input, context)) as ServedResult;
    return result as ServedResult & { structuredContent?: { waiting: { address: string }[]; more: number } };
  };
}

test("a list of what waits has an end; what is behind it is asked for by the last address", async () => {
  const ask = waiting(...Array.from({ length: 50 }, () => 15_000));
  const seen: string[] = [];
  for (let after: string | undefined, more = 1; more > 0; after = seen.at(-1)) {
    const { structuredContent, content } = await ask(after === undefined ? {} : { after });
    expect(JSON.stringify(content).length).toBeLessThan(300_000);
    more = structuredContent?.more ?? 0;
    for (const { address } of structuredContent?.waiting ?? []) seen.push(address);
  }
  expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => `run_${index}/client#1/tool#1`));
});

test("long arguments do not stand in a list, and all of them where that call alone is asked for", async () => {
  const ask = waiting(1_000_000, 10);
  const { structuredContent } = await ask({});
  expect(structuredContent).toMatchObject({ waiting: [{ inputBytes: 1_000_011 }, { input: { note: "xxxxxxxxxx" } }] });
  expect(JSON.stringify(structuredContent).length).toBeLessThan(2_000);
  const alone = await ask({ address: "run_0/client#1/tool#1" });
  expect(alone.structuredContent).toMatchObject({ waiting: [{ input: { note: "x".repeat(1_000_000) } }], more: 0 });
  expect((await ask({ address: "run_9/x" })).isError).toBe(true);
});
