// @ts-check
/** The packages of this workspace and their entries, read from the manifests. */
import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const cache = join(root, "node_modules", ".cache", "remit");
export const sourceCondition = "@remit/source";
export const pnpm = ["--yes", "pnpm@12.21.0"];

/**
 * @typedef {object} Entry one key of a package's exports map
 * @property {string} subpath as written in the map: "." or "./sqlite"
 * @property {string} specifier what a user imports: "@remit/core/sqlite"
 * @property {string} source absolute path of its TypeScript source
 * @property {boolean} planned true while the source does not exist
 *
 * @typedef {object} Bin one command that a published package brings
 * @property {string} name
 * @property {string} target as written in the manifest: "./dist/src/main.js"
 * @property {boolean} planned true while the source does not exist
 *
 * @typedef {object} Package
 * @property {string} name
 * @property {string} folder absolute
 * @property {Record<string, any>} manifest
 * @property {readonly Entry[]} entries
 * @property {readonly Bin[]} bins
 */

/** All publishable packages, each after the ones it depends on. */
export function workspacePackages() {
  const folders = ["packages", "apps"].flatMap((parent) =>
    readdirSync(join(root, parent)).map((child) => join(root, parent, child)),
  );
  const packages = folders.filter((folder) => existsSync(join(folder, "package.json"))).map(readPackage);
  /** @type {Package[]} */
  const ordered = [];
  /** @param {Package} item */
  const visit = (item) => {
    if (ordered.includes(item)) return;
    for (const other of packages) if (other.name in (item.manifest.dependencies ?? {})) visit(other);
    ordered.push(item);
  };
  packages.forEach(visit);
  return ordered;
}

/** @param {string} folder @returns {Package} */
function readPackage(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const entries = Object.entries(manifest.exports ?? {}).map(([subpath, target]) => {
    const source = target[sourceCondition];
    if (typeof source !== "string") {
      throw new Error(`${manifest.name}: the entry "${subpath}" has no "${sourceCondition}" condition`);
    }
    const path = join(folder, source);
    return { subpath, specifier: posix.join(manifest.name, subpath), source: path, planned: !existsSync(path) };
  });
  const bins = Object.entries(manifest.publishConfig?.bin ?? {}).map(([name, target]) => {
    const source = target.replace("./dist/", "").replace(/\.js$/, ".ts");
    return { name, target, planned: ![source, join("src", source)].some((path) => existsSync(join(folder, path))) };
  });
  return { name: manifest.name, folder, manifest, entries, bins };
}

/**
 * What a package ships as it is: everything in its packs and web pages but TypeScript and notes for developers, which are
 * written in capitals (README.md).
 * @param {string} folder the package's @returns {readonly string[]} paths relative to it
 */
export function assetsOf(folder) {
  return globSync("{packs,web}/**/*", { cwd: folder })
    .filter((path) => !/\.tsx?$|(^|[\\/])[A-Z]+\.md$/.test(path) && statSync(join(folder, path)).isFile())
    .sort();
}

/** Absolute path of the program `bin` of the development dependency `name`. @param {string} name @param {string} bin */
export function program(name, bin = name) {
  const manifestPath = join(root, "node_modules", name, "package.json");
  const declared = createRequire(import.meta.url)(manifestPath).bin;
  return join(dirname(manifestPath), typeof declared === "string" ? declared : declared[bin]);
}
