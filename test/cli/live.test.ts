import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { type ModelServer, openaiServer } from "@remit/agents/testing";
import { expect, onTestFinished, test } from "vitest";
import { oracleAnswers } from "./oracle-server.ts";
import { folder, remit } from "./remit.ts";

/** Live models behind a server of our own, which says what the ground truth says. */
const key = "sk-test-0123456789";
const one = ["--concurrency", "1", "--no-report"];

async function desk(): Promise<ModelServer> {
  const server = await openaiServer({ answer: oracleAnswers() });
  onTestFinished(() => server.close());
  return server;
}

/** The server behind a door that refuses every key until it is opened. */
async function door(server: ModelServer): Promise<{ readonly url: string; readonly open: () => void }> {
  let isOpen = false;
  const http = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (!isOpen) {
      response.writeHead(401, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: "Incorrect API key provided.", code: "invalid_api_key" } }));
      return;
    }
    const answer = await fetch(`${server.url}${request.url}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: Buffer.concat(chunks),
    });
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    http.closeAllConnections();
    http.close();
  });
  const address = http.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    open: () => {
      isOpen = true;
    },
  };
}

const suiteTexts = (cwd: string) => {
  const dir = join(cwd, ".remit", "suites");
  return readdirSync(dir).map((name) => readFileSync(join(dir, name), "utf8"));
};

test("a server on this machine plays scenarios over the wire, costs nothing, and is not asked by a replay", async () => {
  const server = await desk();
  const cwd = folder();
  const at = ["--model", "compatible:oracle-1", "--base-url", `${server.url}/v1`];
  const played = await remit(cwd, ["run", "--filter", "exchange", ...at, ...one, "--json"]);
  const { totals, suites } = JSON.parse(played.stdout);
  expect([played.code, played.stderr]).toEqual([0, ""]);
  expect(server.calls().flatMap(({ threw }) => threw ?? [])).toEqual([]);
  expect(totals.runs).toBeGreaterThan(2);
  expect(totals).toMatchObject({ failed: 0, violations: 0 });
  const { length } = server.calls();
  expect(suites[0].spending).toMatchObject({
    limitMicroUsd: 1_000_000,
    microUsd: 0,
    calls: length,
    bases: { reported: length },
  });

  const replayed = await remit(cwd, ["replay", "--all"]);
  expect([replayed.code, replayed.stderr]).toEqual([0, ""]);
  expect(replayed.stdout).toContain(`✓ ${totals.runs} of ${totals.runs} runs hold`);
  expect(server.calls()).toHaveLength(length);
});

test("a key that is refused is one sentence, fails no run, and is kept nowhere; a resume goes on with a good one", async () => {
  const server = await desk();
  const { url, open } = await door(server);
  const cwd = folder();
  const env = { OPENAI_API_KEY: key };
  const at = ["--model", "openai:gpt-5-mini", "--base-url", `${url}/v1`];
  const refused = await remit(cwd, ["run", "--filter", "voucher", ...at, "--no-report"], env);
  expect(refused.code).toBe(2);
  const [sentence, hint, ...more] = refused.stderr.trimEnd().split("\n");
  expect(sentence).toBe(
    `remit: model/key-refused: openai:gpt-5-mini: ${new URL(url).host} refuses the key in OPENAI_API_KEY (status 401)`,
  );
  expect(hint).toContain("`remit resume` goes on");
  expect(more).toEqual([]);
  expect(suiteTexts(cwd).join()).not.toContain(key);

  open();
  const resumed = await remit(cwd, ["resume", ...one, "--json"], env);
  expect(resumed.stderr).toBe("");
  const { before, totals, suites } = JSON.parse(resumed.stdout);
  expect(before.ended).toBe(0);
  expect(before.takenUp).toBeGreaterThan(0);
  expect(totals).toMatchObject({ waiting: 0, violations: 0 });
  expect(suites[0].spending.microUsd).toBeGreaterThan(0);
});

test("no key at all is one sentence before anything is opened", async () => {
  const cwd = folder();
  const { code, stdout, stderr } = await remit(cwd, ["run", "--model", "anthropic:claude-sonnet-4-5"]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^remit: model\/key-missing: .*"ANTHROPIC_API_KEY" is not set\n {2}[^\n]+\n$/);
  expect(readdirSync(cwd)).toEqual([]);
});

test("a suite that reaches its spend limit says so, and has not spent more", async () => {
  const server = await desk();
  const cwd = folder();
  const routes = [
    "models:",
    "  small: { model: openai:gpt-5-mini, maxOutputTokens: 1000 }",
    "  house: { model: compatible:oracle-1, baseUrl: URL/v1 }",
    "routes:",
    "  fast: house",
    "  careful: { candidates: [small], rules: [{ name: judges, agents: [effect_compliance], use: house }] }",
    "prices:",
    "  gpt-5-mini: { input: 10, output: 10 }",
  ];
  const text = routes
    .join("\n")
    .replaceAll("URL", server.url)
    .replace("maxOutputTokens", `baseUrl: ${server.url}/v1, maxOutputTokens`);
  writeFileSync(join(cwd, "routes.yaml"), text);
  const args = ["run", "--filter", "voucher", "--routes", "routes.yaml", "--spend-limit", "0.6", ...one];
  const { code, stdout, stderr } = await remit(cwd, args, { OPENAI_API_KEY: key });
  expect(stderr).toBe("");
  expect(code, stdout).toBe(1);
  expect(stdout).toContain("model routes of routes.yaml · at most $0.60");
  expect(stdout).toContain("budget/exceeded");
  expect(stdout).toMatch(/^The spend limit is reached: \d+ runs? ended/m);
  const spent = Number(/^spent +\$([\d.]+) of \$0\.60 in \d+ calls; reported \d+$/m.exec(stdout)?.[1]);
  expect(spent).toBeGreaterThan(0);
  expect(spent).toBeLessThanOrEqual(0.6);
});
