// @ts-check
/**
 * Puts the modules of a package's dist together: one file for what its main entry loads, and few beside it for what other
 * entries, threads and lazy imports add. A process finds, reads and links each module by itself, which costs more than
 * running it. Names, lines and the paths of modules stay readable; docstrings go, the declarations have them.
 *
 * U1 An entry keeps its file and exactly its exports.
 * U2 What only a lazy import or a thread loads stays apart, and a thread loads nothing of the main file.
 * U3 Every module knows itself by the URL that it has among the sources, so that a relative URL means the same in both.
 * U4 Packages of others are never taken in: a user's zod is the only one.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, posix, relative, sep } from "node:path";
import { rolldown } from "rolldown";

/**
 * @param {string} dist absolute; its .js files are replaced
 * @param {readonly string[]} targets what users load, relative to dist, the main entry first
 */
export async function bundleDist(dist, targets) {
  const modules = globSync("**/*.js", { cwd: dist }).map(slashed).sort();
  const entries = [...targets, ...threadsOf(dist, targets)];
  /** @param {string} id */
  const pathOf = (id) => slashed(relative(dist, id));
  /** @type {ReturnType<typeof closures> | undefined} */
  let known;

  const bundle = await rolldown({
    cwd: dist,
    input: Object.fromEntries(entries.map((path) => [path.replace(/\.js$/, ""), join(dist, path)])),
    external: (id) => !id.startsWith(".") && !isAbsolute(id), // U4
    platform: "node",
    preserveEntrySignatures: "strict", // U1
    plugins: [
      {
        name: "own-url", // U3
        transform: (code, id) => {
          if (!code.includes("import.meta.")) return null;
          return code.replaceAll("import.meta.url", `${ownUrl}("${pathOf(id)}")`);
        },
        renderChunk: (code, { fileName }) =>
          code.replaceAll(new RegExp(`${ownUrl}\\("([^"]+)"\\)`, "g"), (_, path) =>
            path === fileName ? "import.meta.url" : `new URL("${from(fileName, path)}", import.meta.url).href`,
          ),
      },
    ],
  });
  const { output } = await bundle.generate({
    format: "esm",
    comments: { annotation: true, legal: true, jsdoc: false },
    minifyInternalExports: false,
    entryFileNames: "[name].js",
    chunkFileNames: "shared/[name].js",
    codeSplitting: {
      groups: [
        {
          debugName: "what the main entry loads",
          name: (id, context) => {
            known ??= closures(entries, targets, (path) => importsOf(join(dist, path), context).map(pathOf));
            const path = pathOf(id);
            if (known.threads.has(path)) return known.main.has(path) ? "base" : null; // U2
            return known.main.has(path) ? "main" : null;
          },
        },
      ],
    },
  });
  await bundle.close();
  for (const path of modules) rmSync(join(dist, path));
  for (const chunk of output) {
    if (chunk.type !== "chunk") throw new Error(`${chunk.fileName} is no module`);
    if (/import\.meta\.(?!url\b)/.test(chunk.code)) throw new Error(`${chunk.fileName} asks for more than its URL`);
    mkdirSync(dirname(join(dist, chunk.fileName)), { recursive: true });
    writeFileSync(join(dist, chunk.fileName), inAscii(chunk.code));
  }
}

/**
 * The same program in ASCII: one character beyond it makes a process read and parse the whole file as text of two bytes a
 * character. What is beyond it stands in texts and patterns only, where its escape means the same.
 * @param {string} code without comments
 */
function inAscii(code) {
  if (/\\[^\0-\x7f]|\bString\.raw`[^`]*[^\0-\x7f]/.test(code)) throw new Error("an escape would mean something else");
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Stands for a module's own URL until it is known in which file the module is. */
const ownUrl = "__remitOwnUrl";

/**
 * Modules that are started as threads and processes, by a module that users can come to load.
 * @param {string} dist @param {readonly string[]} targets
 */
function threadsOf(dist, targets) {
  const reached = new Set(targets);
  const threads = new Set();
  for (const path of reached) {
    const text = readFileSync(join(dist, path), "utf8");
    for (const [, before = "", url = ""] of text.matchAll(
      /(\bnew URL\(\s*)?["'`](\.{1,2}\/[\w./-]+\.(?:js|\$\{\w+\}))["'`]/g,
    )) {
      const other = posix.join(posix.dirname(path), url.replace(/\$\{\w+\}$/, "js"));
      if (!existsSync(join(dist, other))) continue;
      reached.add(other);
      if (before !== "" && !targets.includes(other)) threads.add(other);
    }
  }
  return [...threads];
}

/**
 * What the main entry loads with itself, and what threads do.
 * @param {readonly string[]} entries @param {readonly string[]} targets
 * @param {(path: string) => readonly string[]} imports
 */
function closures(entries, targets, imports) {
  /** @param {readonly string[]} starts */
  const closure = (starts) => {
    const seen = new Set(starts);
    for (const path of seen) for (const other of imports(path)) seen.add(other);
    return seen;
  };
  return {
    main: closure(targets.slice(0, 1)),
    threads: closure(entries.filter((path) => !targets.includes(path))),
  };
}

/** @param {string} id @param {{ getModuleInfo: (id: string) => { importedIds: readonly string[] } | null }} context */
function importsOf(id, context) {
  return (context.getModuleInfo(id)?.importedIds ?? []).filter((other) => isAbsolute(other));
}

/** @param {string} file @param {string} path */
function from(file, path) {
  const way = posix.relative(posix.dirname(file), path);
  return way.startsWith(".") ? way : `./${way}`;
}

/** @param {string} path */
function slashed(path) {
  return path.split(sep).join("/");
}
