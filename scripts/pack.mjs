// @ts-check
/**
 * Packs every built package as it would be published, into one folder, and looks into each tarball: no source condition,
 * no workspace protocol, no tests, all entries there, LICENSE included.
 *
 *   node scripts/pack.mjs <folder>
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { assetsOf, cache, pnpm, root, sourceCondition, workspacePackages } from "./workspace.mjs";

/** The tarball of a package inside `folder`. @param {string} folder @param {Record<string, any>} manifest */
export function tarballOf(folder, manifest) {
  return join(folder, `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`);
}

/**
 * Replaces the folder's content by the tarballs.
 * @param {string} folder
 * @param {readonly import("./workspace.mjs").Package[]} packages all of them where nothing is said
 * @throws Error with one line per problem
 */
export function packAll(folder, packages = workspacePackages()) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const packed = spawnSync(
    "npx",
    [...pnpm, ...packages.map(({ name }) => `--filter=${name}`), "pack", "--pack-destination", folder],
    {
      cwd: root,
      encoding: "utf8",
      shell: process.platform === "win32",
    },
  );
  if (packed.status !== 0) throw new Error(`pnpm pack failed\n${packed.stdout}\n${packed.stderr}`);
  const problems = packages.flatMap((item) =>
    problemsOf(item, tarballOf(folder, item.manifest)).map((problem) => `${item.name}: ${problem}`),
  );
  if (problems.length > 0) throw new Error(`The packed packages are not right:\n  ${problems.join("\n  ")}`);
  return readdirSync(folder).map((file) => join(folder, file));
}

/** @param {import("./workspace.mjs").Package} item @param {string} tarball */
function problemsOf(item, tarball) {
  const problems = [];
  const text = untar(["-xOzf", tarball, "package/package.json"]);
  for (const word of [sourceCondition, "workspace:", "link:"]) {
    if (text.includes(`"${word}`)) problems.push(`its package.json still has "${word}`);
  }
  const files = untar(["-tzf", tarball]).trim().split("\n");
  const manifest = JSON.parse(text);
  const targets = item.entries
    .filter(({ planned }) => !planned)
    .flatMap(({ subpath }) => Object.values(manifest.exports[subpath] ?? { "": `the entry "${subpath}"` }));
  const bins = item.bins.filter(({ planned }) => !planned).map(({ target }) => target);
  const assets = assetsOf(item.folder).map((path) => `./dist/${path}`);
  for (const target of [...targets, ...bins, ...assets]) {
    if (!files.includes(join("package", target))) problems.push(`${target} is not in the tarball`);
  }
  if (!files.includes("package/LICENSE")) problems.push("no LICENSE");
  for (const file of files) {
    if (/\.test(-d)?\.|\.map$|tsconfig|\/src\/.*(?<!\.d)\.tsx?$/.test(file))
      problems.push(`${file} does not belong in it`);
  }
  return problems;
}

/** @param {string[]} args */
function untar(args) {
  const result = spawnSync("tar", args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (result.status !== 0) throw new Error(`tar ${args.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const folder = resolve(process.argv[2] ?? join(cache, "tarballs"));
  try {
    for (const tarball of packAll(folder)) {
      console.log(`  ${basename(tarball)}  ${Math.ceil(statSync(tarball).size / 1024)} KiB`);
    }
  } catch (error) {
    console.error(`pack: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
