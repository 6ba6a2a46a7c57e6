import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Proof, requirements } from "./requirements.ts";

const root = new URL("../", import.meta.url);

/** True when a file has a test or a group of this title, or a row of a table that is named so; a skipped one does not count. */
function isProof(text: string, title: string): boolean {
  const quoted = [`"${title}"`, `'${title}'`, `\`${title}\``];
  return quoted.some((literal) => {
    const at = text.indexOf(literal);
    if (at < 0) return false;
    const before = text.slice(Math.max(0, at - 200), at).trimEnd();
    return /(\b(test|describe)(\.each[^\n]*)?\(|\)\(|\[)$/.test(before) && !/\.(skip|todo)\w*\($/.test(before);
  });
}

function missing({ file, titles }: Proof): string[] {
  const path = new URL(file, root);
  if (!existsSync(path)) return [file];
  const text = readFileSync(path, "utf8");
  return titles.filter((title) => !isProof(text, title)).map((title) => `${file}: ${title}`);
}

test("the thirteen promises are all here, each once and in its own words", () => {
  expect(requirements.map(({ id }) => id)).toEqual(Array.from({ length: 13 }, (_, index) => `R${index + 1}`));
  expect(new Set(requirements.map(({ sentence }) => sentence)).size).toBe(13);
  for (const { sentence } of requirements) expect(sentence).toMatch(/^[A-Z].+\.$/);
});

test("what is to be kept in full by now is known", () => {
  const now = requirements.filter(({ scope }) => scope === "now").map(({ id }) => id);
  expect(now).toEqual(["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13"]);
});

describe.each(requirements)("$id", ({ scope, proofs }) => {
  test("has proofs where it is in scope, and every proof is there", () => {
    if (scope === "now") expect(proofs.length).toBeGreaterThan(0);
    for (const proof of proofs) expect(proof.titles.length, proof.file).toBeGreaterThan(0);
    expect(proofs.flatMap(missing)).toEqual([]);
  });
});

test("a proof that is only mentioned, skipped or gone is none", () => {
  const title = "it holds";
  for (const start of ["test(", "describe(", "test.each([1, 2])(", "])(\n  ", "  ["]) {
    expect(isProof(`${start}"${title}", `, title), start).toBe(true);
  }
  for (const start of ["// ", "test.skip(", "describe.skip(", "test.todo(", "const title = "]) {
    expect(isProof(`${start}"${title}"`, title), start).toBe(false);
  }
  expect(isProof("", title)).toBe(false);
});
