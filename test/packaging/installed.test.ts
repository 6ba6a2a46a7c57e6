import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packAll, tarballOf } from "../../scripts/pack.mjs";
import { program, root, workspacePackages } from "../../scripts/workspace.mjs";

/** A folder of a user's: the packed packages installed by npm, without any of this workspace. */
const folder = mkdtempSync(join(tmpdir(), "remit-installed-"));
const tarballs = join(folder, "tarballs");
const app = join(folder, "app");
const packages = workspacePackages();
const entries = packages.flatMap((item) => item.entries.filter(({ planned }) => !planned));
const example = join(dirname(fileURLToPath(import.meta.url)), "example");

/** Without what this workspace tells its own processes (the source condition above all). */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([key]) => key !== "NODE_OPTIONS" && !/^(npm_(package|lifecycle)_|VITEST)/.test(key),
  ),
);

function run(command: string, args: readonly string[], cwd = app) {
  const result = spawnSync(command, args, { cwd, env, encoding: "utf8", shell: process.platform === "win32" });
  return { status: result.status, stdout: result.stdout, text: `${result.stdout}${result.stderr}` };
}

function runWell(command: string, args: readonly string[], cwd?: string): string {
  const { status, stdout, text } = run(command, args, cwd);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}\n${text}`);
  return stdout;
}

beforeAll(() => {
  runWell(process.execPath, ["scripts/build.mjs"], root);
  packAll(tarballs);
  mkdirSync(app);
  const zod = packages.find(({ name }) => name === "@remit/core")?.manifest.dependencies.zod;
  // What an entry needs, and only its users install.
  const peers = Object.assign({}, ...packages.map(({ manifest }) => manifest.peerDependencies ?? {}));
  const local = packages.map(({ name, manifest }) => [name, `file:${tarballOf(tarballs, manifest)}`]);
  const manifest = {
    name: "a-user",
    private: true,
    type: "module",
    dependencies: { ...peers, ...Object.fromEntries(local), zod },
  };
  writeFileSync(join(app, "package.json"), JSON.stringify(manifest));
  runWell("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error"]);
  cpSync(example, app, { recursive: true });
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every entry of every package loads and exports something", () => {
  const specifiers = entries.map(({ specifier }) => specifier);
  const exported: Record<string, string[]> = JSON.parse(runWell(process.execPath, ["entries.mjs", ...specifiers]));
  expect(Object.keys(exported)).toEqual(specifiers);
  const empty = specifiers.filter((specifier) => exported[specifier]?.length === 0);
  expect(empty).toEqual([]);
});

test("an example runs", () => {
  expect(runWell(process.execPath, ["run.mjs"])).toBe("the example ran\n");
});

const bins = packages.flatMap((item) => item.bins.filter(({ planned }) => !planned));

test.skipIf(bins.length === 0)("every command is installed and says what it does", () => {
  for (const { name } of bins) expect(runWell(join("node_modules", ".bin", name), ["--help"])).toContain(name);
});

describe("a project of one's own", () => {
  const remit = join(app, "node_modules", ".bin", "remit");
  const source = join(root, "apps/sandbox/examples/claims-desk");

  /** The same project as JavaScript, as a build would leave it. */
  function compiled(): string {
    const folder = join(app, "claims-js");
    cpSync(join(source, "scenarios"), join(folder, "scenarios"), { recursive: true });
    for (const name of readdirSync(source).filter((file) => file.endsWith(".ts"))) {
      const text = stripTypeScriptTypes(readFileSync(join(source, name), "utf8"));
      writeFileSync(
        join(folder, name.replace(/\.ts$/, ".js")),
        text.replaceAll(/(["'])(\.\/[a-z]+)\.ts\1/g, "$1$2.js$1"),
      );
    }
    return folder;
  }

  test.each([
    ["TypeScript", ".ts"],
    ["JavaScript", ".js"],
  ])("in %s is played, and its own runs are decided on", (_, extension) => {
    const project = extension === ".js" ? compiled() : join(app, "claims-ts");
    if (extension === ".ts") cpSync(source, project, { recursive: true });
    expect(runWell(remit, ["run", "claims", "--no-report"], project)).toContain("3 passed, 0 failed");
    expect(runWell(remit, ["run", `./pack${extension}`, "--model", "noisy", "--no-report"], project)).toContain(
      "violations 0",
    );
    expect(runWell(remit, ["replay", "--all"], project)).toContain("3 of 3 runs hold");
    expect(runWell(remit, ["check", "--strict"], project)).toContain("0 errors, 0 warnings");
    const [id = "", status] = runWell(process.execPath, [`start${extension}`], project)
      .trim()
      .split(" ");
    expect(status).toBe("parked");
    expect(runWell(remit, ["approvals", "list", "--own"], project)).toContain(id);
    const approve = ["approvals", "approve", id, "--own", "--reason", "seen", "--as", "operator:jo"];
    expect(runWell(remit, approve, project)).toContain("completed");
    expect(runWell(remit, ["runs", "replay", id], project)).toContain("every decision is the same");
  });
});

test("the declarations type-check as a user's compiler sees them, inference and refusals included", () => {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    target: "es2024",
    module: "nodenext",
    moduleResolution: "nodenext",
    skipLibCheck: false,
    types: ["node"],
  };
  mkdirSync(join(app, "node_modules", "@types"), { recursive: true });
  const nodeTypes = join(app, "node_modules", "@types", "node");
  if (!existsSync(nodeTypes)) symlinkSync(join(root, "node_modules", "@types", "node"), nodeTypes, "junction");
  const all = entries.map(({ specifier }, index) => `export * as entry${index} from "${specifier}";`).join("\n");
  writeFileSync(join(app, "all.ts"), all);
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["all.ts", "definitions.ts"] }));
  const { text } = run(process.execPath, [program("typescript", "tsc"), "-p", ".", "--pretty", "false"]);
  // A library of somebody else may have errors in its own declarations; ours and the user's files may not.
  const ours = text.split("\n").filter((line) => /error TS/.test(line) && !/^node_modules\/(?!@remit\/)/.test(line));
  expect(ours).toEqual([]);

  // So it is with the options that the front page gives. A program of definitions has none at all: machines stay out of what it loads, and theirs do not hold with
  // `exactOptionalPropertyTypes`.
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const told = JSON.parse(/```json\n(\{ "compilerOptions".*?)```/s.exec(readme)?.[1] ?? "").compilerOptions;
  const compiled = (options: object, ...files: string[]) => {
    writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
    const said = run(process.execPath, [program("typescript", "tsc"), "-p", ".", "--pretty", "false", "--listFiles"]);
    return said.text.split("\n");
  };
  const theirs = /^node_modules\/(?!@remit\/)/;
  const asTold = compiled(told, "all.ts", "definitions.ts").filter((line) => /error TS/.test(line));
  expect(asTold.filter((line) => !theirs.test(line))).toEqual([]);
  const alone = compiled(compilerOptions, "definitions.ts");
  expect(alone.filter((line) => /error TS|node_modules\/xstate\//.test(line))).toEqual([]);
  expect(alone.some((line) => line.endsWith("node_modules/@remit/core/dist/index.d.ts"))).toBe(true);
});

describe("@remit/core", () => {
  test("brings fewer than 20 packages", () => {
    const closure = closureOf("node_modules/@remit/core");
    expect(closure).toContain("node_modules/zod");
    expect(closure.length).toBeLessThan(20);
  });

  test("loads three files of its own, and of others only what its kernel stands on", () => {
    const loaded: string[] = JSON.parse(runWell(process.execPath, ["loaded.mjs", "@remit/core"]));
    const own = loaded.filter((path) => path.startsWith("@remit/"));
    expect(own.sort()).toEqual(["index", "shared/base", "shared/main"].map((file) => `@remit/core/dist/${file}.js`));
    const others = new Set(loaded.filter((path) => !own.includes(path)).map((path) => path.split("/")[0]));
    expect([...others].sort()).toEqual(["eventemitter3", "nanoid", "xstate", "zod"]);
  });

  test("starts the writer's thread with none of what the kernel stands on", () => {
    const worker = readFileSync(join(app, "node_modules/@remit/core/dist/journal/sqlite-worker.js"), "utf8");
    const imports = [...worker.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, specifier]) => specifier);
    expect(imports).not.toContain("../shared/main.js");
    const base = readFileSync(join(app, "node_modules/@remit/core/dist/shared/base.js"), "utf8");
    expect(base).toContain("node:crypto"); // It is asked for when something is hashed.
    expect([...base.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, specifier]) => specifier)).toEqual([]);
  });

  test("installs with no script of its own or of a dependency", () => {
    const scripted = closureOf("node_modules/@remit/core").filter((path) => installedTree()[path]?.hasInstallScript);
    expect(scripted).toEqual([]);
  });
});

interface Installed {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
}

/** npm's own list of what it put where, by path. */
function installedTree(): Readonly<Record<string, Installed>> {
  return JSON.parse(readFileSync(join(app, "node_modules", ".package-lock.json"), "utf8")).packages;
}

/** The packages that an installed one needs at run time, itself left out, as npm placed them. */
function closureOf(start: string): readonly string[] {
  const tree = installedTree();
  const seen = new Set<string>();
  const visit = (path: string) => {
    const { dependencies, optionalDependencies } = tree[path] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const place = placeOf(name, path);
      if (place === undefined || seen.has(place)) continue;
      seen.add(place);
      visit(place);
    }
  };
  /** As Node looks it up: in the package's own node_modules, then in those further up. */
  const placeOf = (name: string, from: string): string | undefined => {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
      const place = at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`;
      if (place in tree) return place;
      if (at === "") return undefined;
    }
  };
  if (!(start in tree)) throw new Error(`${start} is not installed`);
  visit(start);
  return [...seen];
}
