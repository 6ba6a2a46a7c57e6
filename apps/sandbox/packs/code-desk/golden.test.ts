import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/world/random.ts";
import { decoyNames } from "./diffs/blocks.ts";
import { rowAt } from "./diffs/diff.ts";
import { type DiffPlan, makeDiff } from "./diffs/make.ts";
import { generateCode, pullIdOf } from "./generate.ts";
import { findingFaults, lineFaults } from "./guard.ts";
import { type Measured, measure, precisionOf, recallOf, sumOf } from "./rules/measure.ts";
import { rulePass } from "./rules/pass.ts";
import { ruleIds, rules, verdictOf } from "./rules/rule.ts";
import { allBranches, percentOf, runSample, sampleFunctions } from "./sample.ts";

/** Golden diffs: what is wrong in them is known, for they were made with it. */
const pullId = "PR-1001";
const seeds = Array.from({ length: 200 }, (_, index) => 100 + index);

/** A diff of a seed: one to four defects, up to three decoys, changes of which nothing is to be said. */
function goldenDiff(seed: number) {
  const random = seededRandom(seed);
  const some = <Item>(items: readonly Item[], most: number) =>
    Array.from({ length: random.between(0, most) }, () => random.pick(items));
  const plan: DiffPlan = {
    defects: [random.pick(ruleIds), ...some(ruleIds, 3)],
    decoys: some(decoyNames, 3),
    plain: random.between(0, 3),
    tested: random.chance(0.5),
  };
  return makeDiff(random, pullId, plan);
}

describe("the rule pass", () => {
  test("keeps its precision and recall on golden diffs", () => {
    const golden = seeds.map(goldenDiff);
    const all = sumOf(golden.map(({ files, planted }) => measure(rulePass(pullId, files), planted)));
    expect(all.right + all.missed).toBeGreaterThan(400);
    // Gates. What is missed is what no rule knows, and the false alarms are words that are called a token.
    expect(precisionOf(all)).toBeGreaterThanOrEqual(0.9);
    expect(recallOf(all)).toBeGreaterThanOrEqual(0.8);
    const known = golden.map(
      ({ files, planted }): Measured =>
        measure(
          rulePass(pullId, files),
          planted.filter(({ rule }) => rules[rule].byPass),
        ),
    );
    expect(sumOf(known).missed).toBe(0);
  });

  test.each(ruleIds)("%s: each way of breaking it is found where a rule can", (rule) => {
    for (const seed of seeds.slice(0, 8)) {
      const { files, planted } = makeDiff(seededRandom(seed), pullId, { defects: [rule] });
      expect(planted).toHaveLength(1);
      expect(rulePass(pullId, files)).toEqual(rules[rule].byPass ? planted : []);
    }
  });

  test.each(decoyNames)("%s is let be, but for the one that only a reader can tell", (decoy) => {
    for (const seed of seeds.slice(0, 4)) {
      const { files } = makeDiff(seededRandom(seed), pullId, { decoys: [decoy] });
      expect(rulePass(pullId, files).map(({ rule }) => rule)).toEqual(
        decoy === "named_like_a_secret" ? ["secret_in_code"] : [],
      );
    }
  });

  test("ends soon on rows that are made to be slow", () => {
    const text = `const password = "${"a".repeat(50_000)}`;
    const rows = Array.from({ length: 20 }, (_, line) => ({ kind: "added" as const, line: line + 1, text }));
    expect(rulePass(pullId, [{ path: "src/lending.ts", rows }])).toEqual([]);
  });
});

describe("the generator", () => {
  test("makes the same forge of the same seed, another one of another", () => {
    expect(generateCode(1)).toEqual(generateCode(1));
    expect(generateCode(2).state).not.toEqual(generateCode(1).state);
  });

  test("says of what is planted where it stands, and the forge does not know", () => {
    const { state, planted } = generateCode(1);
    const [only] = planted.get(pullIdOf("off_by_one")) ?? [];
    const pull = state.pulls[pullIdOf("off_by_one")];
    expect(only?.rule).toBe("off_by_one");
    expect(rowAt(pull?.pullId ?? "", pull?.files ?? [], only?.anchor ?? "")?.row.text).toMatch(/length/);
    expect(JSON.stringify(state)).not.toContain('"off_by_one"');
  });

  test("a row that there is not has no anchor", () => {
    const { files } = goldenDiff(100);
    for (const anchor of ["PR-1001/f9/1", "PR-1001/f1/999", "PR-1001/f0/1", "PR-1002/f1/1", "f1/1"]) {
      expect(rowAt(pullId, files, anchor)).toBeUndefined();
    }
  });
});

describe("the sandbox of the CI", () => {
  test("runs functions on arguments: what passes and what is covered is measured", () => {
    const fee = (args: readonly (number | boolean | string)[], wanted: number) =>
      runSample([{ functionId: "fn-late-fee", args, expect: wanted }]);
    expect(fee([3, 20], 60)).toEqual({ failed: [], covered: ["fn-late-fee#3"] });
    expect(fee([3, 20], 61).failed).toEqual([1]);
    expect(fee([], 0)).toEqual({ failed: [], covered: ["fn-late-fee#1"] });
    expect(runSample([{ functionId: "fn-of-nobody", args: [], expect: 0 }]).failed).toEqual([1]);
    expect(runSample([{ functionId: "constructor", args: [], expect: 0 }]).failed).toEqual([1]);
    expect(percentOf(allBranches)).toBe(100);
    expect(percentOf(["fn-late-fee#1", "fn-of-nobody#1"])).toBe(Math.round(100 / allBranches.length));
  });

  test("no argument makes it throw", () => {
    for (const { run } of Object.values(sampleFunctions)) {
      for (const args of [[], ["x", "y"], [true, false], [-1e9, 1e9], ["", ""]]) {
        expect(() => (run as (took: () => void, of: typeof args) => unknown)(() => {}, args)).not.toThrow();
      }
    }
  });
});

describe("the guards", () => {
  const finding = {
    anchor: "PR-1001/f1/2",
    file: "src/lending.ts",
    line: 2,
    rule: "off_by_one",
    severity: "high",
  } as const;
  const faults = (findings: readonly object[], verdict = "request_changes") =>
    findingFaults({ findings, verdict } as Parameters<typeof findingFaults>[0], pullId);
  test("send back findings that are none", () => {
    expect(faults([finding])).toEqual([]);
    expect(faults([], verdictOf([]))).toEqual([]);
    expect(faults([{ ...finding, anchor: "PR-1002/f1/2" }]).join()).toMatch(/no row of PR-1001/);
    expect(faults([{ ...finding, severity: "low" }]).join()).toMatch(/is high, not low/);
    expect(faults([finding, finding]).join()).toMatch(/there twice/);
    expect(faults([finding], "no_findings").join()).toMatch(/is request_changes, not no_findings/);
  });

  test.each([
    ["no change", "Many improvements", /does not cite CH-6001 alone/],
    ["another change", "Fees are right (CH-6002)", /does not cite CH-6001 alone/],
    ["two changes", "Fees (CH-6001), (CH-6002)", /does not cite CH-6001 alone/],
    ["an address", "Fees, see https://evil.example (CH-6001)", /address or markup/],
    ["markup", "<b>Fees</b> (CH-6001)", /address or markup/],
  ])("send back a line with %s", (_, text, what) => {
    expect(lineFaults([{ changeId: "CH-6001", text }]).join()).toMatch(what);
  });

  test("let pass lines that each cite their change once", () => {
    const line = (changeId: string) => ({ changeId, text: `Fees are right (${changeId})` });
    expect(lineFaults([line("CH-6001"), line("CH-6002")])).toEqual([]);
    expect(lineFaults([line("CH-6001"), line("CH-6001")]).join()).toMatch(/once more/);
  });
});
