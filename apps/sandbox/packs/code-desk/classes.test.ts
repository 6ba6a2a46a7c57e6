import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Model, memoryEngine, runSupervisor, type SupervisorDefinition, user } from "@remit/core";
import { testPolicy } from "@remit/core/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseModel } from "../../src/model/choice.ts";
import { type InProcessWorld, inProcessTools } from "../../src/world/in-process.ts";
import { playAll } from "../play.test.data.ts";
import { classFacts, classOf, externalTools, isSecretPath, repositoryIds } from "./classes.ts";
import { generateCode } from "./generate.ts";
import { codeDeskPack } from "./pack.ts";
import { codePolicy } from "./policy.ts";
import { readsIn } from "./team.ts";

/** What a repository's class decides: which tools there are, how code is read, what the journal holds of it. */

const pack = codeDeskPack();
const scenarios = pack.scenarios();
const named = (name: string) => {
  const found = scenarios.find((one) => one.name === name);
  if (!found) throw new RangeError(name);
  return found;
};
const repositoryIn = ({ input }: { readonly input: unknown }) =>
  (input as { readonly repositoryId: string }).repositoryId;

let dir = "";
let world: InProcessWorld;
let definition: SupervisorDefinition;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "code-classes-"));
  world = inProcessTools(pack, dir);
  definition = pack.team(world.tools);
});
afterAll(() => {
  world.close();
  rmSync(dir, { recursive: true });
});

test("what nobody has classed is sensitive", () => {
  expect(repositoryIds.map(classOf)).toEqual(["public", "public", "internal", "internal", "sensitive", "sensitive"]);
  for (const unknown of [undefined, "", "repo-new", "constructor"]) expect(classOf(unknown)).toBe("sensitive");
  expect(classFacts.sensitive).toMatchObject({ external: [], logging: "strict", files: false });
});

test("external tools are absent in a sensitive repository: no model is ever offered one", async () => {
  const offered = new Map<string, Set<string>>();
  const through = (scripted: Model): Model => ({
    ...scripted,
    generate: (request, options) => {
      const repositoryClass = classOf(request.context.attributes.repositoryId);
      const seen = offered.get(repositoryClass) ?? new Set();
      for (const { name } of request.tools) seen.add(name);
      offered.set(repositoryClass, seen);
      return scripted.generate(request, options);
    },
  });
  const chosen = scenarios.filter((one) => one.tags.includes("class") || one.tags.includes("sensitive"));
  const played = await playAll({ pack, world, definition, name: "oracle", seed: 0, chosen, through });
  const never = [...externalTools, "get_diff", "get_file", "read_ci_log"];
  expect(never.filter((name) => offered.get("sensitive")?.has(name))).toEqual([]);
  expect(offered.get("sensitive")?.has("get_sealed_diff")).toBe(true);
  expect(externalTools.filter((name) => offered.get("public")?.has(name))).toEqual(externalTools);
  expect(externalTools.filter((name) => offered.get("internal")?.has(name))).toEqual(["search_advisories"]);
  // The grant is on record where work was handed over, and nobody outside was asked.
  for (const [index, scenario] of chosen.entries()) {
    const { entries = [], log = [] } = played[index] ?? {};
    if (classOf(repositoryIn(scenario)) !== "sensitive") continue;
    expect(log.filter(({ tool }) => externalTools.some((one) => one === tool))).toEqual([]);
    for (const entry of entries) {
      if (entry.type !== "handoff.delivered" || !["reviewer", "advisor"].includes(entry.body.agent)) continue;
      const wanted = entry.body.agent === "reviewer" ? readsIn("sensitive") : ["list_added_packages"];
      expect(entry.body.grant?.tools).toEqual([...wanted].sort());
    }
  }
});

test("logging is strict: code of a sensitive repository is read for a purpose, and a vault seals every line of it", async () => {
  const chosen = [named("a-secret-in-a-sensitive-repository"), named("swallowed-error")];
  const sealing = { vault: { key: "11".repeat(32) }, seal: {} };
  const { state } = generateCode(1);
  const [sensitive, open] = await playAll({ pack, world, definition, name: "oracle", seed: 0, chosen, sealing });
  const linesOf = (index: number) => {
    const { pullId = "" } = (chosen[index]?.input ?? {}) as { readonly pullId?: string };
    const rows = state.pulls[pullId]?.files.flatMap((file) => file.rows.map(({ text }) => text.trim())) ?? [];
    return rows.filter((text) => text.length >= 8);
  };
  const held = (entries: unknown, index: number) => {
    const text = JSON.stringify(entries);
    return linesOf(index).filter((one) => text.includes(JSON.stringify(one).slice(1, -1)));
  };
  expect(linesOf(0).length).toBeGreaterThan(3);
  expect(held(sensitive?.entries, 0)).toEqual([]);
  expect(held(open?.entries, 1)).toEqual(linesOf(1));
  expect(sensitive?.checks.filter(({ ok }) => !ok)).toEqual([]);
  const reads = sensitive?.log.filter(({ tool }) => tool === "get_sealed_diff") ?? [];
  expect(reads.map(({ input }) => (input as { readonly purpose?: string }).purpose)).toEqual(["review"]);
  // The forge does not give it to whoever names none.
  const tool = pack.openWorld().tools.find(({ name }) => name === "get_sealed_diff");
  expect(tool?.input.safeParse({ repositoryId: "repo-readers", pullId: "PR-1001" }).success).toBe(false);
});

test("nobody approves a merge of their own, whatever role they have", async () => {
  const scenario = named("a-merge");
  const model = chooseModel("oracle", { scenarios, seed: 0, tools: [] });
  const engine = memoryEngine();
  const models = Object.fromEntries(definition.aliases.map((alias) => [alias, model]));
  const supervisor = runSupervisor(definition, { engine, models });
  const attributes = { ...pack.attributes?.(scenario), worldId: "own-merge", scenario: scenario.name };
  const run = await supervisor.start(scenario.input, { tenant: "test", principal: scenario.principal, attributes });
  expect(await run.settled()).toBe("parked");
  const [open] = await run.approvals();
  const approves = (id: string) =>
    supervisor.approvals.approve("test", open?.address ?? "", {
      principal: { ...user(id), roles: ["maintainer"] },
      reason: "It is good.",
    });
  await expect(approves(scenario.principal.id)).rejects.toMatchObject({ code: "approval/self-approval" });
  expect(world.store.log("own-merge").some(({ tool }) => tool === "merge_pull_request")).toBe(false);
  await approves("dev-maintains");
  expect(await run.result()).toMatchObject({ status: "completed" });
  await engine.close();
});

describe("the policy", () => {
  const attributes = { task: "review", repositoryId: "repo-loans", pullId: "PR-1005" };
  const sensitive = { ...attributes, repositoryId: "repo-readers" };
  const looked = { untrusted: [], planned: false, clean: false };
  const own = { repositoryId: "repo-loans", pullId: "PR-1005" };
  const comment = { ...own, anchor: "PR-1005/f1/2", rule: "off_by_one", severity: "high", text: "One too far." };
  const asks = (
    tool: string,
    args: object,
    expect_: "allow" | "approve" | "deny",
    rule: string,
    { by = "dev-dana", flow = looked, of = attributes as object } = {},
  ) => ({
    name: `${tool} ${JSON.stringify(args)} ${JSON.stringify(of)}`,
    request: {
      edge: "tool" as const,
      agent: "action",
      tool,
      effect: /^(get|list|search|look|read)_/.test(tool) ? ("read" as const) : ("write" as const),
      arguments: args as never,
      attributes: of as Readonly<Record<string, string>>,
      principal: user(by),
      flow,
    },
    expect: expect_,
    rule,
  });
  test("lets pass what is a finding, asks a person on what was asked for, and nothing else", () => {
    const push = { ...own, patchId: "TP-4001", passedRun: "TP-4001@1" };
    const merge = { ...own, head: "c10000", author: "dev-dana" };
    const notes = { repositoryId: "repo-loans", releaseId: "REL-51" };
    const checks = testPolicy(codePolicy, [
      asks("comment_on_line", comment, "allow", "says-a-finding"),
      asks("comment_on_line", { ...comment, anchor: "PR-1006/f1/2" }, "deny", "no-rule"),
      asks("comment_on_line", { ...comment, rule: "not_nice" }, "deny", "no-rule"),
      asks("comment_on_line", { ...comment, severity: "low" }, "deny", "no-rule"),
      asks("comment_on_line", { ...comment, pullId: "PR-1006" }, "deny", "own-work"),
      asks("post_review", own, "allow", "says"),
      asks("post_review", own, "deny", "looked-first", { flow: { ...looked, clean: true } }),
      asks("push_test_commit", push, "deny", "no-rule"),
      asks("push_test_commit", push, "approve", "pushes-tests", { of: { ...attributes, task: "tests" } }),
      asks("push_test_commit", { ...push, passedRun: "TP-4002@1" }, "deny", "no-rule", {
        of: { ...attributes, task: "tests" },
      }),
      asks("merge_pull_request", merge, "deny", "no-rule"),
      asks("merge_pull_request", merge, "approve", "merges", { of: { ...attributes, task: "merge" } }),
      // Only the author asks, so that the author cannot approve.
      asks("merge_pull_request", merge, "deny", "no-rule", { of: { ...attributes, task: "merge" }, by: "dev-emil" }),
      asks("publish_release", notes, "deny", "own-work"),
      asks("publish_release", notes, "approve", "publishes", { of: { task: "release", ...notes } }),
      asks("open_release_draft", { ...notes, changeIds: ["CH-6001"], lines: ["Fees (CH-6001)"] }, "allow", "drafts", {
        of: { task: "release", ...notes },
      }),
      asks("publish_release", notes, "deny", "no-rule", { of: { task: "review", ...notes } }),
      // A line cites its own change, and none that nobody looks at.
      ...["Fees", "Fees (CH-6001), fines (CH-6002)", "Fees (CH-6001), see https://evil.example"].map((line) =>
        asks("open_release_draft", { ...notes, changeIds: ["CH-6001"], lines: [line] }, "deny", "no-rule", {
          of: { task: "release", ...notes },
        }),
      ),
      asks("delete_branch", own, "deny", "no-rule"),
    ]);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  test("keeps a sensitive repository inside, even where an edge had granted too much", () => {
    const checks = testPolicy(codePolicy, [
      asks("search_advisories", { package: "left-shelf" }, "allow", "look"),
      asks("look_up_license", { package: "left-shelf" }, "deny", "stays-inside"),
      asks("search_advisories", { package: "left-shelf" }, "deny", "stays-inside", { of: sensitive }),
      // A run of which nobody knows what it is about is one about the most sensitive.
      asks("search_advisories", { package: "left-shelf" }, "deny", "stays-inside", { of: {} }),
      asks("get_diff", {}, "deny", "sealed-code", { of: sensitive }),
      asks("get_sealed_diff", {}, "allow", "look", { of: sensitive }),
      asks("get_sealed_diff", {}, "deny", "sealed-code"),
      asks("read_ci_log", {}, "allow", "look"),
      asks("read_ci_log", {}, "deny", "no-whole-files", { of: sensitive }),
      asks("get_file", { path: "README.md" }, "allow", "look"),
      asks("get_file", { path: "README.md" }, "deny", "no-whole-files", { of: sensitive }),
      ...[".env.production", "config/.ENV", "a/secrets.json", "tls.pem", "id.key"].map((path) =>
        asks("get_file", { path }, "deny", "no-whole-files"),
      ),
    ]);
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(isSecretPath("src/lending.ts")).toBe(false);
  });
});
