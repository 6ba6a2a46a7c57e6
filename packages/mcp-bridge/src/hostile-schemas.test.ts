import { parseWith } from "@remit/core";
import { expect, test } from "vitest";
import { inspectMcp } from "./inspect.ts";
import { failureOf, hostileFixtures, read } from "./testing/attack.ts";
import { contextOf } from "./testing/fixture.ts";
import { badLists } from "./testing/hostile-lists.ts";

/** Servers whose tools are defined to hurt whoever reads or checks by them. */

const hostile = hostileFixtures();

test.each(badLists)("%s: the bad tool is told and not called, and the good one beside it works", async (mode) => {
  const fixture = hostile.server(mode);
  await hostile.besideHealthy(async () => {
    const { tools } = await hostile.connected(fixture, { echo: read });
    expect(await tools.echo.execute({ text: "good" }, contextOf())).toEqual({ text: "good" });
    if (mode === "no-name") {
      const { invalid } = await inspectMcp({ transport: hostile.server(mode).transport });
      expect(invalid).toHaveLength(6);
      return;
    }
    const error = await failureOf(
      hostile
        .connected(hostile.server(mode), { bad: read })
        .then(({ tools: { bad } }) => bad.execute({ text: "x" }, contextOf())),
    );
    expect(error).toMatchObject({ code: "mcp/tool-invalid", mayHaveExecuted: false, data: { tool: "bad" } });
  });
  expect(fixture.heard().filter(({ params }) => params?.name === "bad")).toEqual([]);
});

test("a pattern that takes for ever ends its check, and puts its tool out of use; the others go on", async () => {
  const fixture = hostile.server("good");
  await hostile.besideHealthy(async () => {
    const { tools } = await hostile.connected(fixture, { catastrophe: read, echo: read });
    const call = () => failureOf(tools.catastrophe.execute({ text: `${"a".repeat(40)}!` }, contextOf()));
    const first = await call();
    expect(first).toMatchObject({ code: "mcp/result-invalid", mayHaveExecuted: true });
    expect(first.message).toContain("took longer than 250 ms");
    expect(await call()).toMatchObject({ code: "mcp/tool-invalid", mayHaveExecuted: false });
    expect(await tools.echo.execute({ text: "on" }, contextOf())).toEqual({ text: "on" });
  });
  const called = fixture.heard().filter(({ method }) => method === "tools/call");
  expect(called.map(({ params }) => params?.name)).toEqual(["catastrophe", "echo"]);
});

test("32 calls that all meet such a pattern settle, one of them for its time and the others at once", async () => {
  await hostile.besideHealthy(async () => {
    const { tools } = await hostile.connected(hostile.server("good"), { catastrophe: read });
    const calls = Array.from({ length: 32 }, () =>
      failureOf(tools.catastrophe.execute({ text: `${"a".repeat(40)}!` }, contextOf())),
    );
    for (const { code } of await Promise.all(calls)) expect(["mcp/result-invalid", "mcp/tool-invalid"]).toContain(code);
  });
});

test("a pattern that explodes elsewhere and is matched in linear time here is only a pattern", async () => {
  const { tools } = await hostile.connected(hostile.server("good"), { linear: read });
  const answer = await tools.linear.execute({ text: `${"a".repeat(29)}!` }, contextOf());
  expect(parseWith(tools.linear.output, answer)).toMatchObject({ ok: false, issues: [{ pointer: "/text" }] });
  expect(parseWith(tools.linear.output, await tools.linear.execute({ text: "aaa" }, contextOf())).ok).toBe(true);
});

test("what is checked on the thread is checked: answers before they are used, arguments before they are sent", async () => {
  const fixture = hostile.server("good");
  const { tools } = await hostile.connected(fixture, { doubled: read, picky: read }, { limits: { checkMs: 20_000 } });
  expect(await tools.doubled.execute({ text: "xx" }, contextOf())).toEqual({ text: "xx" });
  const answer = await failureOf(tools.doubled.execute({ text: "xy" }, contextOf()));
  expect(answer).toMatchObject({ code: "mcp/result-invalid", mayHaveExecuted: true });
  expect(answer.message).toContain("/text must match pattern");
  const argument = await failureOf(tools.picky.execute({ text: "xy" }, contextOf()));
  expect(argument).toMatchObject({ code: "tool/input-invalid", mayHaveExecuted: false });
  expect(fixture.heard().filter(({ params }) => params?.name === "picky")).toEqual([]);
});
