import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { OrchestrationError } from "../../errors.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { quoted, restateClient, waitingClock } from "./client.ts";

const to = { service: "s.Front", key: "acme/run_1", handler: "deliver" };
const answer = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });

/** A client whose addresses answer as told; time passes by itself while somebody waits. */
function clientOf(answers: (url: string) => Response | Promise<Response>, deadlineMs = 1_000) {
  const clock = fakeClock();
  const asked: string[] = [];
  const passing = setInterval(() => clock.advance(50), 0);
  const fetch = (async (url: string, { signal }: RequestInit) => {
    asked.push(url);
    return Promise.race([
      answers(url),
      new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    ]);
  }) as typeof globalThis.fetch;
  const client = restateClient({
    ingress: ["http://a", "http://b"],
    admin: ["http://admin"],
    clock,
    deadlineMs,
    closed: new AbortController().signal,
    fetch,
  });
  return { client, asked, stop: () => clearInterval(passing) };
}
const refusedBy = (): Response => {
  throw new TypeError("fetch failed");
};
const never = () => new Promise<Response>(() => {});
const errorOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

test("K1 a node that is away is passed over, and its turn is not lost time", async () => {
  const { client, asked, stop } = clientOf((url) =>
    url.startsWith("http://a") ? refusedBy() : answer(200, { ok: 1 }),
  );
  expect(await client.call(to)).toEqual({ ok: 1 });
  expect(asked).toEqual(["http://a/s.Front/acme%2Frun_1/deliver", "http://b/s.Front/acme%2Frun_1/deliver"]);
  stop();
});

test("K1 what keeps an answer away is told by code: no node, no quorum, no worker, a paused run", async () => {
  const rows = (found: readonly object[]) => (url: string) =>
    url.includes("/query") ? answer(200, { rows: found }) : never();
  const cases = [
    [refusedBy, "engine/unreachable"],
    [never, "engine/no-answer"],
    [rows([]), "engine/no-answer"],
    [rows([{ id: "inv_1", status: "backing-off", failure: "refused", service: "s.run.desk.1" }]), "engine/no-worker"],
    [rows([{ id: "inv_1", status: "paused", failure: null, service: "s.Front" }]), "engine/run-paused"],
    [rows([{ id: "inv_1", status: "paused", failure: null, service: "s2.Front" }]), "engine/no-answer"],
    [() => answer(404, {}), "engine/not-deployed"],
    [() => answer(500, {}), "engine/refused"],
    [() => answer(503, {}), "engine/no-answer"],
  ] as const;
  for (const [answers, code] of cases) {
    const { client, stop } = clientOf(answers);
    const error = await errorOf(client.call(to));
    expect(OrchestrationError.is(error) ? error.code : error).toBe(code);
    stop();
  }
});

test("K1 what a node took before its connection broke is not said to have reached nobody", async () => {
  const node = createServer(({ socket }) => {
    // It dies with the request: from here on nobody is there.
    node.close();
    socket.destroy();
  });
  await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
  const ingress = [`http://127.0.0.1:${(node.address() as AddressInfo).port}`];
  const closed = new AbortController().signal;
  const client = restateClient({ ingress, admin: [], clock: waitingClock, deadlineMs: 400, closed });
  expect(await errorOf(client.call(to, {}))).toMatchObject({ code: "engine/no-answer" });
  expect(await errorOf(client.call(to, {}))).toMatchObject({ code: "engine/unreachable" });
});

test("an admin port that is away is said to be", async () => {
  const { client, stop } = clientOf(refusedBy);
  expect(await errorOf(client.query("SELECT 1"))).toMatchObject({ code: "engine/admin-unreachable" });
  stop();
});

test("a table that a moving partition keeps back is asked for again, and in the end that is said", async () => {
  const moving = () => answer(500, { message: "partition 0 doesn't exist on this node" });
  let asks = 0;
  const { client, stop } = clientOf(() => (++asks < 4 ? moving() : answer(200, { rows: [{ one: 1 }] })));
  expect(await client.query("SELECT 1")).toEqual([{ one: 1 }]);
  expect(asks).toBe(4);
  stop();
  const never = clientOf(moving);
  const error = await errorOf(never.client.query("SELECT 1"));
  expect(error).toMatchObject({ code: "engine/admin-unreachable", data: { reason: expect.stringContaining("500") } });
  never.stop();
  const wrong = clientOf(() => answer(400, { message: "no such table" }));
  expect(await errorOf(wrong.client.query("SELECT"))).toMatchObject({ code: "engine/refused" });
  expect(wrong.asked).toHaveLength(1);
  wrong.stop();
});

test("a text in SQL stays a text", () => {
  expect(quoted("it's")).toBe("'it''s'");
});
