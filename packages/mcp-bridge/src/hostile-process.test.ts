import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { failureOf, hostileFixtures, input, read } from "./testing/attack.ts";
import { contextOf, type HostileFixture, isAlive, keepingLogger } from "./testing/fixture.ts";
import { patience } from "./testing/patience.ts";

/** Servers as processes: what they write beside messages, how they end, and what they leave behind. */

const hostile = hostileFixtures();

test("a message beyond the limit ends the connection and not us", async () => {
  const { tools } = await hostile.connected(
    hostile.server("overflow"),
    { echo: read },
    { limits: { messageBytes: 100_000 } },
  );
  const error = await failureOf(tools.echo.execute(input, contextOf()));
  expect(error).toMatchObject({ code: "mcp/connection-lost", mayHaveExecuted: true });
  expect(error.data.reason).toMatch(/^a message of \d+ bytes or more exceeds 100000$/);
});

test("noise on standard output is dropped, counted and warned of once", async () => {
  const logger = keepingLogger();
  const connection = await hostile.connected(hostile.server("noise"), { echo: read }, { logger });
  for (const text of ["a", "b", "c"])
    expect(await connection.tools.echo.execute({ text }, contextOf())).toEqual({ text });
  expect(connection.status().noiseLines).toBe(24);
  expect(logger.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
});

test("a flood on standard error neither blocks the server nor floods the log", async () => {
  const logger = keepingLogger();
  const { tools } = await hostile.connected(hostile.server("stderr-flood"), { echo: read, crash: read }, { logger });
  expect(await tools.echo.execute({ text: "through" }, contextOf())).toEqual({ text: "through" });
  const error = await failureOf(tools.crash.execute(input, contextOf()));
  expect(String(error.data.stderr).length).toBeLessThanOrEqual(2_000);
  expect(error.data.stderr).toContain("segmentation fault, almost");
  const lines = logger.lines.filter(({ sentence }) => sentence === "MCP server wrote to standard error.");
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThan(2_000);
  expect(lines[0]).toMatchObject({ level: "debug", fields: { server: "shop", line: "all work and no play" } });
});

test("a server that ignores the end of its input and SIGTERM is killed", async () => {
  const fixture = hostile.server("stubborn");
  const connection = await hostile.connected(fixture, { echo: read }, { limits: { closeGraceMs: 100 } });
  await connection.close();
  expect(fixture.starts().filter(isAlive)).toEqual([]);
  expect(fixture.heard().filter(({ signal }) => signal === "SIGTERM")).toHaveLength(1);
});

test("what a server started and forgot is killed with it, after a close and after a crash", async () => {
  const fixture = hostile.server("good");
  const connection = await hostile.connected(
    fixture,
    { grandchild: read, crash: read, echo: read },
    { limits: { closeGraceMs: 100 } },
  );
  const { tools } = connection;
  const grandchildOf = async () => {
    const { processId } = (await tools.grandchild.execute(input, contextOf())) as { processId: number };
    expect(isAlive(processId)).toBe(true);
    return processId;
  };
  const first = await grandchildOf();
  expect(await failureOf(tools.crash.execute(input, contextOf()))).toMatchObject({ code: "mcp/connection-lost" });
  await vi.waitFor(() => expect(isAlive(first)).toBe(false), patience);
  const second = await grandchildOf();
  await connection.close();
  expect(isAlive(second)).toBe(false);
});

test("all of a server ends when we are killed without a chance to say so, and when we leave in order", async () => {
  const host = fileURLToPath(new URL("./testing/host.ts", import.meta.url));
  const hosted = async (fixture: HostileFixture, tool: string) => {
    const child = fork(host, [JSON.stringify(fixture.transport), tool]);
    const processIds = await new Promise<number[]>((resolve, reject) => {
      child.once("message", (message) => resolve(message as number[]));
      child.once("exit", (code) => reject(new Error(`the host ended with ${code}`)));
    });
    expect(processIds.filter(isAlive)).toEqual(processIds);
    return { child, processIds };
  };
  const killed = await hosted(hostile.server("good"), "echo");
  killed.child.kill("SIGKILL");
  await vi.waitFor(() => expect(killed.processIds.filter(isAlive)).toEqual([]), patience);
  const stubborn = await hosted(hostile.server("stubborn"), "grandchild");
  expect(stubborn.processIds).toHaveLength(2);
  stubborn.child.kill("SIGKILL");
  await vi.waitFor(() => expect(stubborn.processIds.filter(isAlive)).toEqual([]), patience);
  const left = await hosted(hostile.server("stubborn"), "grandchild");
  left.child.send("leave");
  await vi.waitFor(() => expect(left.processIds.filter(isAlive)).toEqual([]), patience);
});

test("a server in trouble does not hold up another one", async () => {
  const [sick, healthy] = [hostile.server("good"), hostile.server("good")];
  const [first, second] = await Promise.all([
    hostile.connected(sick, { hang: read, crash: read }),
    hostile.connected(healthy, { echo: read }),
  ]);
  const hanging = failureOf(first.tools.hang.execute(input, contextOf()));
  const answers = await Promise.all(["1", "2", "3"].map((text) => second.tools.echo.execute({ text }, contextOf())));
  expect(answers).toEqual([{ text: "1" }, { text: "2" }, { text: "3" }]);
  await failureOf(first.tools.crash.execute(input, contextOf()));
  expect(await hanging).toMatchObject({ code: "mcp/connection-lost" });
  expect(await second.tools.echo.execute({ text: "4" }, contextOf())).toEqual({ text: "4" });
});
