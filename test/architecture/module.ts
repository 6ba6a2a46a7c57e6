import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync, Visitor } from "rolldown/utils";

/** Absolute path of the repository's root. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** How an import reaches its module: "type" is gone at run time, "static" loads with the importer, "lazy" when called. */
export type Reach = "type" | "static" | "lazy";

/** One place where a module names another. `specifier` is null where it is computed at run time. */
export interface Import {
  readonly file: string;
  readonly line: number;
  readonly specifier: string | null;
  readonly reach: Reach;
}

/** The folders of the workspace's packages, by package name. */
export const packageFolders: ReadonlyMap<string, string> = new Map(
  globSync("{packages,apps}/*/package.json", { cwd: root }).map((file) => {
    const path = join(root, file);
    return [JSON.parse(readFileSync(path, "utf8")).name as string, dirname(path)];
  }),
);

/** TypeScript files below a folder, absolute and sorted. */
export function sourcesOf(folder: string): readonly string[] {
  return globSync("**/*.ts", { cwd: folder, exclude: ["**/node_modules", "**/dist"] })
    .map((file) => join(folder, file))
    .sort();
}

/**
 * Every import of one module in any form: import and export statements, `import()` as a value and as a type,
 * `import x = require()`, `require()`, `process.getBuiltinModule()` and modules started by `new URL(…, import.meta.url)`.
 * @throws Error when the file is not TypeScript that parses
 */
export function importsOf(file: string, source = readFileSync(file, "utf8")): readonly Import[] {
  const { program, errors } = parseSync(file, source);
  const [problem] = errors;
  if (problem !== undefined) throw new Error(`${relative(root, file)}: ${problem.message}`);
  const found: Import[] = [];
  const add = (start: number, specifier: unknown, reach: Reach) => {
    const line = source.slice(0, start).split("\n").length;
    found.push({ file, line, specifier: typeof specifier === "string" ? specifier : null, reach });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.start, node.source.value, node.importKind === "type" ? "type" : "static"),
    ExportAllDeclaration: (node) => add(node.start, node.source.value, node.exportKind === "type" ? "type" : "static"),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) add(node.start, node.source.value, node.exportKind === "type" ? "type" : "static");
    },
    TSImportType: (node) => add(node.start, node.source.value, "type"),
    TSImportEqualsDeclaration: (node) => {
      const { moduleReference: from } = node;
      if (from.type === "TSExternalModuleReference") add(node.start, from.expression.value, "static");
    },
    ImportExpression: (node) => add(node.start, literalOf(node.source), "lazy"),
    CallExpression: (node) => {
      const { callee } = node;
      const named = callee.type === "Identifier" && callee.name === "require";
      const property = callee.type === "MemberExpression" ? callee.property : undefined;
      const builtin = property?.type === "Identifier" && property.name === "getBuiltinModule";
      if (named || builtin) add(node.start, literalOf(node.arguments[0]), "lazy");
    },
    NewExpression: (node) => {
      const path = node.callee.type === "Identifier" && node.callee.name === "URL" && literalOf(node.arguments[0]);
      if (typeof path === "string" && /^\.{1,2}\/.*\.ts$/.test(path)) add(node.start, path, "lazy");
    },
  }).visit(program);
  return found;
}

function literalOf(node: { type: string; value?: unknown } | undefined): unknown {
  return node?.type === "Literal" ? node.value : undefined;
}

/** "@remit/core" of "@remit/core/testing", "zod" of "zod/v4"; undefined for a relative path and for a module of Node. */
export function packageOf(specifier: string | null): string | undefined {
  if (specifier === null || specifier.startsWith(".") || specifier.startsWith("node:")) return undefined;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** "packages/core/src/tool.ts:3 imports zod" */
export function describeImport({ file, line, specifier }: Import): string {
  return `${relative(root, file)}:${line} imports ${specifier ?? "something computed"}`;
}

/** What loading a module brings with it: files of ours, and the modules from outside with the way that leads to them. */
export interface Graph {
  readonly files: ReadonlySet<string>;
  readonly outside: ReadonlyMap<string, string>;
}

/** Follows relative imports from one module: the static ones, or the lazy ones too. */
export function graphOf(entry: string, { lazy }: { readonly lazy: boolean }): Graph {
  const files = new Set<string>();
  const outside = new Map<string, string>();
  const visit = (file: string, way: string) => {
    if (files.has(file)) return;
    if (!existsSync(file)) throw new Error(`${way} does not exist`);
    files.add(file);
    for (const { specifier, reach } of importsOf(file)) {
      if (specifier === null || reach === "type" || (reach === "lazy" && !lazy)) continue;
      if (!specifier.startsWith(".")) outside.set(specifier, outside.get(specifier) ?? `${way} → ${specifier}`);
      else {
        const next = resolve(dirname(file), specifier);
        if (next.endsWith(".ts")) visit(next, `${way} → ${relative(root, next)}`);
      }
    }
  };
  visit(entry, relative(root, entry));
  return { files, outside };
}
