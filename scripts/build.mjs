// @ts-check
/**
 * Builds every package into its dist folder: JavaScript in few files, declarations as they come from the compiler where an
 * entry's come to them, no tests and no maps, beside the files that are not TypeScript (packs, web pages). A relative URL means the same as among the
 * sources.
 *
 *   node scripts/build.mjs [package name …]
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { bundleDist } from "./bundle.mjs";
import { assetsOf, program, root, workspacePackages } from "./workspace.mjs";

/** Whose modules are opened by their path, each by itself: packs, their worlds and servers, scenarios. */
const leftApart = new Set(["@remit/sandbox"]);

const wanted = process.argv.slice(2);
const packages = workspacePackages().filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (packages.length === 0) fail(`no package is called ${wanted.join(" or ")}`);
for (const item of packages) await build(item);

/** @param {import("./workspace.mjs").Package} item */
async function build({ name, folder, entries, bins, manifest }) {
  const startedAt = performance.now();
  const dist = join(folder, "dist");
  rmSync(dist, { recursive: true, force: true });
  const tsc = spawnSync(process.execPath, [program("typescript", "tsc"), "-p", join(folder, "tsconfig.build.json")], {
    stdio: "inherit",
    cwd: folder,
  });
  if (tsc.status !== 0) fail(`${name} does not compile`);
  for (const asset of assetsOf(folder)) cpSync(join(folder, asset), join(dist, asset));
  for (const file of globSync("**/*.{js,d.ts}", { cwd: dist })) rewrite(join(dist, file));
  if (!leftApart.has(name)) {
    const ready = [...entries.filter(({ planned }) => !planned), ...bins.filter(({ planned }) => !planned)];
    const targets = ready.map((one) =>
      "target" in one ? one.target : String(manifest.publishConfig?.exports?.[one.subpath]?.default),
    );
    await bundleDist(
      dist,
      targets.map((target) => target.replace("./dist/", "")),
    );
    dropDeclarations(
      dist,
      targets.map((target) => target.replace("./dist/", "").replace(/\.js$/, ".d.ts")),
    );
  }
  for (const { subpath, planned } of entries) {
    const target = manifest.publishConfig?.exports?.[subpath];
    if (target === undefined) fail(`${name}: publishConfig.exports lacks "${subpath}"`);
    for (const path of Object.values(target)) {
      if (!planned && !existsSync(join(folder, path))) fail(`${name}: "${subpath}" names ${path}, which was not built`);
    }
    if (planned) console.log(`  ${name}: the entry "${subpath}" is planned, it has no source yet`);
  }
  const files = globSync("**/*.js", { cwd: dist }).length;
  console.log(`  ${name}: ${files} files of JavaScript in ${Math.round(performance.now() - startedAt)} ms`);
}

/**
 * tsc turns `./x.ts` into `./x.js` in the imports of modules. Here the same is done for the imports of declarations and
 * for `new URL("./x.ts", import.meta.url)`, by which workers and child processes are started; each target must exist.
 * @param {string} file
 */
function rewrite(file) {
  const text = readFileSync(file, "utf8");
  const pattern = file.endsWith(".d.ts")
    ? /(\bfrom |\bimport\()"(\.{1,2}\/[^"]+)\.ts"/g
    : /(\bnew URL\(\s*)"(\.{1,2}\/[^"]+)\.ts"(?=\s*,\s*import\.meta\.url)/g;
  const changed = text.replace(pattern, (_, before, path) => {
    const target = resolve(dirname(file), path);
    if (!existsSync(`${target}.js`)) fail(`${relative(root, file)} names ${path}.ts, which was not built`);
    return `${before}"${path}.js"`;
  });
  if (changed !== text) writeFileSync(file, changed);
}

/**
 * Drops the declarations that no entry's declarations come to: they say what is inside, and take a block of the disk each.
 * @param {string} dist @param {readonly string[]} entries relative to it
 */
function dropDeclarations(dist, entries) {
  const reached = new Set(entries.map((entry) => join(dist, entry)).filter((file) => existsSync(file)));
  for (const file of reached) {
    const text = readFileSync(file, "utf8");
    for (const [, path = ""] of text.matchAll(/(?:\bfrom |\bimport\(|\bimport )"(\.{1,2}\/[^"]+)\.js"/g)) {
      const other = resolve(dirname(file), `${path}.d.ts`);
      if (!existsSync(other)) fail(`${relative(root, file)} names ${path}.js, which has no declarations`);
      reached.add(other);
    }
  }
  for (const path of globSync("**/*.d.ts", { cwd: dist })) if (!reached.has(join(dist, path))) rmSync(join(dist, path));
}

/** @param {string} reason @returns {never} */
function fail(reason) {
  console.error(`build: ${reason}`);
  process.exit(1);
}
