import { execFileSync } from "node:child_process";
import { relative } from "node:path";
import { expect, test } from "vitest";
import { graphOf, packageFolders, packageOf, root } from "./module.ts";

/** Drivers, processes, sockets and vendors: each belongs behind an entry of its own. */
const denied =
  /^(node:(sqlite|worker_threads|child_process|cluster|net|tls|http|https|http2|dgram|fs|fs\/promises)|openai|@anthropic-ai\/.*|@modelcontextprotocol\/.*|@restatedev\/.*|@opentelemetry\/.*|@cedar-policy\/.*)(\/.*)?$/;

/** The packages that the root entry may load. A new one is a decision: it is loaded by everybody who imports the kernel. */
const allowed = ["eventemitter3", "nanoid", "pino", "xstate", "zod"];

const entry = `${packageFolders.get("@remit/core")}/src/index.ts`;

test("the root entry of @remit/core loads no driver and no SDK, not even later", () => {
  const { files, outside } = graphOf(entry, { lazy: true });
  expect(files.size).toBeGreaterThan(1);
  expect([...outside].filter(([specifier]) => denied.test(specifier)).map(([, way]) => way)).toEqual([]);
});

test("the root entry of @remit/core loads only the packages listed here", () => {
  const { outside } = graphOf(entry, { lazy: true });
  const others = [...outside].filter(([specifier]) => {
    const name = packageOf(specifier);
    return name !== undefined && !allowed.includes(name);
  });
  expect(others.map(([, way]) => way)).toEqual([]);
});

test("the root entry of @remit/core reaches no file that belongs to another entry", () => {
  const { files } = graphOf(entry, { lazy: true });
  const wrong = [...files]
    .map((file) => relative(root, file))
    .filter((file) => /sqlite|restate|cedar|\/(testing|kpi)\//.test(file));
  expect(wrong).toEqual([]);
});

test("the root entry of @remit/core loads later what decides runs, drives them and calls models and tools", () => {
  const works = /\/(run\/(core|driver|replay)|model\/gateway|effect\/dispatcher|supervisor\/migrate)\.ts$/;
  const loaded = (lazy: boolean) => [...graphOf(entry, { lazy }).files].filter((file) => works.test(file));
  expect(loaded(false)).toEqual([]);
  expect(loaded(true)).toHaveLength(6);
});

test("the root entry of @remit/agents loads the kernel and zod, and neither prices nor SDKs", () => {
  const { outside } = graphOf(`${packageFolders.get("@remit/agents")}/src/index.ts`, { lazy: true });
  expect([...new Set([...outside.keys()].map(packageOf))].sort()).toEqual(["@remit/core", "zod"]);
});

test("importing @remit/core loads neither SQLite, nor worker threads, nor node:crypto in a fresh process", () => {
  const loaded = (code: string): readonly string[] => {
    const program = `${code}; console.log(JSON.stringify(process.moduleLoadList))`;
    const args = ["--conditions=@remit/source", "--input-type=module", "--eval", program];
    return JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" }));
  };
  const before = loaded("");
  const added = loaded('await import("@remit/core")').filter((module) => !before.includes(module));
  expect(
    added.filter((module) => /NativeModule (sqlite|worker_threads|child_process|net|http|crypto)$/.test(module)),
  ).toEqual([]);
});
