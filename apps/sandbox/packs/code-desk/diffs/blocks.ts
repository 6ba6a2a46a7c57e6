import type { Random } from "../../../src/world/random.ts";
import type { RuleId } from "../rules/rule.ts";

/**
 * Pieces that diffs are made of: for each rule the ways in which it is broken, and decoys that look like it and are right. A
 * row is `+`, `-` or a blank before its text; `!` after the sign marks the row that is wrong.
 */
export interface Block {
  readonly in: "src" | "test" | "manifest" | "docs";
  readonly rows: readonly string[];
}

const nouns = ["loan", "copy", "hold", "reader", "fine", "branch", "notice", "shelf", "title", "parcel"] as const;
const verbs = ["lend", "renew", "reserve", "return", "sort", "merge", "price", "notify", "count", "archive"] as const;
const packages = ["left-shelf", "barcode-kit", "slip-print", "fold-json", "tiny-queue", "page-meter"] as const;

const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const drawn = (random: Random, length: number) => Array.from({ length }, () => random.pick([...letters])).join("");

interface Words {
  readonly noun: string;
  readonly verb: string;
  readonly package: string;
  /** A number that makes names differ. */
  readonly n: number;
  readonly secret: string;
}

export function drawWords(random: Random): Words {
  return {
    noun: random.pick(nouns),
    verb: random.pick(verbs),
    package: random.pick(packages),
    n: random.between(10, 99),
    secret: drawn(random, 24),
  };
}

type Make = (words: Words) => Block;
const src = (...rows: readonly string[]): Block => ({ in: "src", rows });

/** Ways to break a rule. */
export const defects: Readonly<Record<RuleId, readonly Make[]>> = {
  missing_test: [
    ({ verb, noun, n }) =>
      src(
        `+!export function ${verb}${upper(noun)}${n}(${noun}: ${upper(noun)}): number {`,
        `+  return ${noun}.number + ${n};`,
        "+}",
      ),
    ({ verb, noun, n }) =>
      src(`+!export const ${verb}${upper(noun)}${n} = (of: ${upper(noun)}) => of.state === "open";`),
  ],
  disabled_test: [
    ({ verb, noun }) => ({
      in: "test",
      rows: [`-test("a ${noun} can be ${verb}ed", () => {`, `+!test.skip("a ${noun} can be ${verb}ed", () => {`],
    }),
    ({ noun }) => ({ in: "test", rows: [`+!describe.skip("a ${noun} without a number", () => {`, "+});"] }),
  ],
  swallowed_error: [
    ({ noun }) => src("+  try {", `+    await store.save(${noun});`, "+!  } catch {", "+    return undefined;", "+  }"),
    ({ noun, verb }) =>
      src("+  try {", `+    ${verb}(${noun});`, "+!  } catch (error) {", "+    // it happens", "+  }"),
  ],
  secret_in_code: [
    ({ secret }) => src(`+!const apiKey = "sk_live_${secret}";`),
    ({ secret }) => src(`+!  headers: { password: "${secret}" },`),
  ],
  off_by_one: [
    ({ noun }) => src(`+!  for (let i = 0; i <= ${noun}s.length; i++) {`, `+    total += ${noun}s[i].cents;`, "+  }"),
    ({ noun }) => src(`+!  const last = ${noun}s[${noun}s.length];`),
  ],
  sql_from_strings: [
    ({ noun }) => src(`+!  return db.query("select * from ${noun}s where id = '" + ${noun}Id + "'");`),
    ({ noun }) => src(`+!  await db.run(\`delete from ${noun}s where branch = '\${branchId}'\`);`),
  ],
  removed_check: [
    ({ verb, noun }) =>
      src(`-!  if (!may${upper(verb)}(reader, ${noun})) throw new Denied("${noun}");`, `   const at = clock.now();`),
    () => src(`-!  requireRole(user, "librarian");`, "   const open = await list(user);"),
  ],
  unpinned_dependency: [
    ({ package: name, n }) => ({ in: "manifest", rows: [`+!    "${name}": "^1.${n}.0",`] }),
    ({ package: name }) => ({ in: "manifest", rows: [`+!    "${name}": "latest",`] }),
  ],
  weak_hash: [
    ({ noun }) => src(`+!  return createHash("md5").update(${noun}.pin).digest("hex");`),
    ({ noun }) => src(`+!  const sum = createHash('sha1').update(${noun}).digest();`),
  ],
  debug_output: [({ noun }) => src(`+!  console.log("here", ${noun});`), () => src("+!  debugger;")],
  todo_without_issue: [
    ({ noun }) => src(`+!  // TODO tidy up the ${noun}s`),
    ({ noun }) => src(`+!  // FIXME: ${noun} is sometimes empty`),
  ],
  inverted_condition: [
    ({ noun }) =>
      src(`-  if (${noun}.closed) return refused("${noun}");`, `+!  if (!${noun}.closed) return refused("${noun}");`),
    ({ noun, n }) => src(`-  return ${noun}s.length < ${n};`, `+!  return ${noun}s.length >= ${n};`),
  ],
  wrong_unit: [
    () => src("-  const dueMs = loanDays * 24 * 60 * 60 * 1000;", "+!  const dueMs = loanDays * 24 * 60 * 60;"),
    ({ n }) => src(`+!  setTimeout(remind, ${n}); // ${n} seconds`),
  ],
};

/** What looks like a defect and is none. */
export const decoys = {
  rethrown: ({ noun }: Words) =>
    src(
      "+  try {",
      `+    await store.save(${noun});`,
      "+  } catch (error) {",
      `+    throw new StoreError("${noun}", { cause: error });`,
      "+  }",
    ),
  handled: ({ noun }: Words) =>
    src(
      "+  try {",
      `+    notify(${noun});`,
      "+  } catch (error) {",
      `+    log.warn("not told", { error });`,
      "+    return later(error);",
      "+  }",
    ),
  counts_from_one: ({ noun }: Words) =>
    src(`+  for (let n = 1; n <= ${noun}s.length; n++) {`, `+    number(${noun}s[n - 1], n);`, "+  }"),
  placeholders: ({ noun }: Words) => src(`+  return db.query("select * from ${noun}s where id = ?", [${noun}Id]);`),
  tagged: ({ noun }: Words) => src(`+  return sql\`select * from ${noun}s where id = \${${noun}Id}\`;`),
  from_environment: () => src("+const apiKey = process.env.COVERS_API_KEY;"),
  /** The name looks like a secret's, and the value is a word: the rule pass takes it for one. */
  named_like_a_secret: ({ noun }: Words) => src(`+const tokenKind = "${noun}_session_bearer";`),
  moved_check: ({ verb, noun }: Words) =>
    src(
      `-  if (!may${upper(verb)}(reader, ${noun})) throw new Denied("${noun}");`,
      "   const at = clock.now();",
      `+  if (!may${upper(verb)}(reader, ${noun})) throw new Denied("${noun}");`,
    ),
  pinned: ({ package: name, n }: Words) => ({ in: "manifest", rows: [`+    "${name}": "1.${n}.0",`] }) as const,
  strong_hash: ({ noun }: Words) => src(`+  return createHash("sha256").update(${noun}.body).digest("hex");`),
  todo_with_issue: ({ n }: Words) => src(`+  // TODO(ISS-20${n}) take the newer form`),
  logged: ({ noun }: Words) => src(`+  log.info("lent", { ${noun}: ${noun}.number });`),
} as const satisfies Readonly<Record<string, Make>>;
export type Decoy = keyof typeof decoys;
export const decoyNames = Object.keys(decoys) as readonly Decoy[];

/** Changes of which nothing is to be said. */
export const plain: readonly Make[] = [
  ({ noun, n }) => src(`-const ${noun}sMax = ${n};`, `+const ${noun}sMax = ${n + 1};`),
  ({ noun }) => src(`-  return ${noun}.name;`, `+  return ${noun}.name.trim();`),
  ({ noun }) => ({ in: "docs", rows: [`+A ${noun} is kept for a year.`] }),
];

/** A new function with a test that names it. */
export function withTest({ verb, noun, n }: Words): readonly Block[] {
  const name = `${verb}${upper(noun)}${n}`;
  return [
    src(`+export function ${name}(${noun}: ${upper(noun)}): number {`, `+  return ${noun}.number;`, "+}"),
    {
      in: "test",
      rows: [`+test("${name} gives the number", () => {`, `+  expect(${name}({ number: 4 })).toBe(4);`, "+});"],
    },
  ];
}
