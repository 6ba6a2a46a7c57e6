import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileCache } from "../../packages/mcp-bridge/src/testing/fixture.ts";

/** The MCP Inspector's command line as a client of ours that we did not write, in each of its protocol modes. */

const here = fileURLToPath(new URL(".", import.meta.url));
const inspector = join(here, "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
const server = ["--conditions=@remit/source", join(here, "inspected-server.ts")];
const home = mkdtempSync(join(tmpdir(), "remit-inspector-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Said {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: results of every kind, looked into by tests.
  readonly result: any;
  readonly errors: string;
}

function inspect(args: readonly string[]): Promise<Said> {
  const env = { PATH: process.env.PATH ?? "", HOME: home, ...compileCache() };
  return new Promise((resolve) => {
    const all = [inspector, "--cli", "--format", "json", ...args];
    execFile(process.execPath, all, { env }, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error ? 1 : 0;
      resolve({ code, result: stdout.trim() === "" ? undefined : JSON.parse(stdout).result, errors: stderr });
    });
  });
}

/** The last arguments, since what follows a command is the command's. */
const overStdio = [process.execPath, ...server, "--stdio"];

describe.skipIf(!existsSync(inspector))("the Inspector's command line", { timeout: 120_000 }, () => {
  let served: ChildProcess | undefined;
  let url = "";
  beforeAll(async () => {
    served = spawn(process.execPath, server, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface(served.stdout!), "line")) as [string];
    url = line;
  });
  afterAll(async () => {
    if (!served) return;
    const ended = once(served, "exit");
    served.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  });

  for (const era of ["legacy", "auto", "modern"]) {
    const call = ["--tool-arg", "orderId=o_7", "--method", "tools/call", "--tool-name", "read_order"];
    const order = { structuredContent: { orderId: "o_7", cents: 900 } };

    test(`calls, reads and is prompted over HTTP (${era})`, async () => {
      const http = [url, "--transport", "http", "--protocol-era", era];
      const prompt = ["--method", "prompts/get", "--prompt-name", "greet", "--prompt-args", "name=Ann"];
      const ask = ["--method", "tools/call", "--tool-name", "ask_desk", "--tool-arg", "text=Where?"];
      const [called, read, prompted, asked] = await Promise.all([
        inspect([...http, ...call]),
        inspect([...http, "--method", "resources/read", "--uri", "shop://hours"]),
        inspect([...http, ...prompt]),
        inspect([...http, ...ask]),
      ]);
      expect(called).toMatchObject({ code: 0, result: order });
      expect(read).toMatchObject({ code: 0, result: { contents: [{ uri: "shop://hours", text: "Always." }] } });
      expect(prompted).toMatchObject({
        code: 0,
        result: { messages: [{ role: "user", content: { type: "text", text: "Greet Ann." } }] },
      });
      expect(asked).toMatchObject({ code: 0, result: { structuredContent: { reply: "It is on its way." } } });
    });

    test(`calls over stdio (${era})`, async () => {
      expect(await inspect(["--protocol-era", era, ...call, ...overStdio])).toMatchObject({ code: 0, result: order });
    });
  }

  test("finds nothing in our schemas that a client could not take (--strict)", async () => {
    const list = ["--method", "tools/list", "--strict"];
    const { code, result, errors } = await inspect([url, "--transport", "http", "--protocol-era", "modern", ...list]);
    expect([code, errors]).toEqual([0, ""]);
    expect(result.tools.map(({ name }: { readonly name: string }) => name)).toEqual(["read_order", "ask_desk"]);
    expect((await inspect([...list, ...overStdio])).code).toBe(0);
  });

  test("is refused with an error of the protocol for a tool that is not served", async () => {
    const call = ["--method", "tools/call", "--tool-name", "drop_table"];
    const { code, errors } = await inspect([url, "--transport", "http", "--protocol-era", "modern", ...call]);
    expect(code).not.toBe(0);
    expect(errors).toContain("drop_table");
  });
});
