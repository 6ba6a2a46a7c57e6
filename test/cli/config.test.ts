import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspectMcp, stdio } from "@remit/mcp-bridge";
import { describe, expect, test } from "vitest";
import { root } from "../architecture/module.ts";
import { project } from "./project.ts";
import { folder, remit, remitHere } from "./remit.ts";

/** `remit.config.ts`: what the command finds in a project. */

/** The project with this configuration in place of its own; `body` is the module's text behind the imports. */
function configured(body: string): string {
  const own = project();
  const imports = [
    'import { defineConfig, definePack } from "@remit/sandbox";',
    'import { defineAgent, definePolicy, defineSupervisor, memoryEngine } from "@remit/core";',
    'import { z } from "zod";',
    'import { claimsDesk, openBooks } from "./desk.ts";',
    'import claims from "./pack.ts";',
    "void [defineAgent, defineSupervisor, z, defineConfig, definePack, definePolicy, memoryEngine, claimsDesk, openBooks, claims];",
  ];
  writeFileSync(join(own, "remit.config.ts"), [...imports, body, ""].join("\n"));
  return own;
}

describe("a project's configuration", () => {
  test("is found from the folder upwards: its packs have names, its state lies beside it", async () => {
    const own = project();
    const inside = join(own, "scenarios");
    const played = await remitHere(inside, ["run", "claims", "--json"]);
    expect([played.code, JSON.parse(played.stdout).totals.passed]).toEqual([0, 3]);
    expect(existsSync(join(own, ".remit/journal.db"))).toBe(true);
    expect(existsSync(join(inside, ".remit"))).toBe(false);
    expect((await remitHere(own, ["replay", "--all"])).stdout).toContain("3 of 3 runs hold");
    // The only pack is the one that is meant by nobody's name.
    const listed = await remitHere(own, ["list", "--scenarios", "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({ pack: "claims" });
  });

  test("says what check, graph and policy are about when they are told nothing", async () => {
    const own = configured(`export default defineConfig({
      packs: { claims },
      supervisors: [({ engine }) => ({ definition: claimsDesk(openBooks()), engine })],
      policy: definePolicy({ name: "small", version: "1", rules: [] }),
    });`);
    expect((await remitHere(own, ["check"])).stdout).toBe("✓ claims-desk: 0 errors, 0 warnings · 2 agents looked at\n");
    expect((await remitHere(own, ["graph"])).stdout).toContain("pay : pay_claim (write)");
    expect((await remitHere(own, ["graph", "claims-desk", "--format", "xstate"])).code).toBe(0);
    const policy = await remitHere(own, ["policy", "check"]);
    expect(policy.stdout).toContain("small fits claims-desk");
    expect(existsSync(join(own, ".remit"))).toBe(false);
  });

  test("holds packs as values: a suite of one is resumed and replayed by the configuration's path", async () => {
    const own = configured('export default defineConfig({ packs: { ours: claims }, state: "kept" });');
    expect((await remit(own, ["run", "ours", "--approver", "none", "--no-report"])).code).toBe(0);
    expect(existsSync(join(own, "kept/journal.db"))).toBe(true);
    const [file] = JSON.parse((await remit(own, ["list", "--json"])).stdout).suites;
    expect(file.pack).toMatchObject({ name: "claims", module: { file: join(own, "remit.config.ts"), member: "ours" } });
    expect((await remit(own, ["resume", "--approver", "auto", "--json"])).code).toBe(0);
    renameSync(join(own, "remit.config.ts"), join(own, "other.ts"));
    const gone = await remit(own, ["replay", "--all", "--state", "kept", "--json"]);
    expect(JSON.parse(gone.stdout).error.code).toBe("config/file-missing");
  });

  test("is named by --config, and the lines to type name it, too", async () => {
    const own = project();
    const cwd = folder();
    const config = join(own, "remit.config.ts");
    const played = await remitHere(cwd, ["run", "claims", "--config", config, "--approver", "none", "--no-report"]);
    expect(played.stdout).toContain(`--config ${config}`);
    const wrong = await remitHere(cwd, ["check", "--config", "nowhere.ts", "--json"]);
    expect(JSON.parse(wrong.stdout).error).toMatchObject({ code: "config/file-missing" });
  });

  test("is not read by who needs none of it", async () => {
    const own = configured('throw new Error("this must not be run");');
    expect((await remitHere(own, ["check", "order-desk"])).code).toBe(0);
    expect((await remitHere(own, ["graph", "./pack.ts"])).code).toBe(0);
    expect((await remitHere(own, ["run", "./pack.ts", "--state", "s", "--no-report"])).code).toBe(0);
    expect((await remitHere(own, ["--help"])).code).toBe(0);
  });

  test("with several packs, one has to be named; none is made up", async () => {
    const own = configured('export default defineConfig({ packs: { one: claims, two: "./pack.ts" } });');
    const unsaid = await remitHere(own, ["run"]);
    expect([unsaid.code, unsaid.stderr]).toEqual([2, expect.stringContaining("name one pack of one, two")]);
    const unknown = await remitHere(own, ["run", "three"]);
    expect(unknown.stderr).toContain("order-desk, code-desk, crm-desk, files-desk");
    expect(unknown.stderr).toContain("one, two");
    expect((await remitHere(own, ["run", "files-desk", "--filter", "who-was", "--no-report"])).code).toBe(0);
  });
});

test("the tools of the configured MCP servers are at hand for who makes supervisors; one without a pin is refused", async () => {
  const server = join(root, "apps/sandbox/examples/support/stock-server.ts");
  const args = ["--conditions=@remit/source", server];
  const { tools } = await inspectMcp({ transport: stdio(process.execPath, args) });
  const pin = tools.find(({ definition }) => definition.name === "count_parts")?.pin;
  const own = configured(`export default defineConfig({
    mcp: "mcp.json",
    supervisors: ({ tools, models }) => {
      const clerk = defineAgent({ name: "clerk", description: "", model: "fast", tools: [tools.get("stock_count_parts")!], input: z.object({}), output: z.object({}), instructions: "Count." });
      void models;
      return defineSupervisor({ name: "counting", agents: { clerk }, entry: "clerk", exit: "clerk", handoffs: [] });
    },
  });`);
  const file = (pinned: string | undefined) =>
    JSON.stringify({
      mcpServers: {
        stock: {
          command: process.execPath,
          args,
          remit: { required: true, tools: { count_parts: { effect: "read", pin: pinned } } },
        },
      },
    });
  writeFileSync(join(own, "mcp.json"), file(pin));
  expect(await remitHere(own, ["graph"])).toMatchObject({
    stderr: "",
    stdout: expect.stringContaining("clerk : stock_count_parts"),
  });
  writeFileSync(join(own, "mcp.json"), file(undefined));
  const unpinned = await remitHere(own, ["check", "--json"]);
  expect([unpinned.code, JSON.parse(unpinned.stdout).error.code]).toEqual([2, expect.stringMatching(/^mcp\//)]);
});

describe("what is wrong with a configuration is told with its place", () => {
  test.each([
    [
      "export default defineConfig({ pack: {} } as never);",
      "config/field-wrong",
      "pack: there is no such member; there are packs,",
    ],
    ["export default defineConfig({ packs: { claims: 7 } } as never);", "config/field-wrong", "packs.claims: a pack"],
    [
      "export default defineConfig({ packs: { Claims: claims } });",
      "config/field-wrong",
      "packs.Claims: a pack's name has lower-case",
    ],
    ["export default defineConfig({ supervisors: [7] } as never);", "config/field-wrong", "supervisors: a supervisor"],
    ['export default defineConfig({ engine: "file.db" } as never);', "config/field-wrong", "engine: { sqlite:"],
    ["export default defineConfig({ engine: { sqlite: 7 } } as never);", "config/field-wrong", "engine: { sqlite:"],
    ["export default defineConfig({ tenants: [] });", "config/field-wrong", "tenants: a tenant's name"],
    ["export default defineConfig({ models: 7 } as never);", "config/field-wrong", "models: models by alias"],
    ['export default defineConfig({ state: "" });', "config/field-wrong", "state: a path"],
    ["export default { packs: {} };", "config/not-exported", "it is another object"],
    ["export const config = 7;", "config/not-exported", "there is none"],
    ["export const config = defineConfig({});", "config/not-exported", "as `config`, and none as its default"],
    [
      "export const config = defineConfig({}); export default defineConfig({});",
      "config/not-exported",
      "beside its default",
    ],
    ['throw new Error("no secrets here");', "config/not-loadable", "no secrets here, at /"],
    [
      'export default defineConfig({ supervisors: () => { throw new Error("no books"); } });',
      "config/failed",
      "no books",
    ],
    ["export default defineConfig({ supervisors: () => 7 as never });", "config/failed", "no supervisor"],
  ])("%s", async (body, code, words) => {
    const own = configured(body);
    const { code: exit, stdout } = await remitHere(own, ["check", "--json"]);
    const { error } = JSON.parse(stdout);
    expect([exit, error.code]).toEqual([2, code]);
    expect(error.message).toContain(words);
    expect(error.message).toContain(join(own, "remit.config.ts"));
    expect(error.hint).not.toBe("");
  });

  test("two files in one folder", async () => {
    const own = project();
    writeFileSync(join(own, "remit.config.js"), readFileSync(join(own, "remit.config.ts")));
    mkdirSync(join(own, "below"));
    const { code, stderr } = await remitHere(join(own, "below"), ["check"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("config/several-files")]);
  });
});

test("a configuration that never comes to its end is told as that", async () => {
  const own = configured("await new Promise(() => {}); export default defineConfig({});");
  const { code, stderr } = await remit(own, ["check"]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("it waits for something that never comes")]);
});
