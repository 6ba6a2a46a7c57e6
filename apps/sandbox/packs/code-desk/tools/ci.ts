import { z } from "zod";
import { edit, put } from "../../../src/world/table.ts";
import { openPull, pullOf, refuse } from "../refuse.ts";
import { rulePass } from "../rules/pass.ts";
import { allBranches, functionIds, percentOf, runSample, sampleFunctions } from "../sample.ts";
import type { Pull } from "../state.ts";
import { codeTool, passedRun, patchId, pullId, repositoryId, written } from "./tool.ts";

/** The CI: its runs, the rule pass, and a sandbox in which proposed tests are run before anybody sees them. */

const which = { repositoryId, pullId };
const scalar = z.union([z.int(), z.boolean(), z.string().max(60)]);

const getRun = codeTool({
  name: "get_ci_run",
  description: "The newest CI run of a pull request: status, tests that failed, coverage in percent.",
  input: z.strictObject(which),
  effect: "read",
  run: (state, asked) => {
    const { ci, repositoryId: of } = pullOf(state, asked.repositoryId, asked.pullId);
    const { status, reruns, failed } = ci;
    return { status, reruns, failed, coveragePercent: percentOf(state.coverage[of]?.covered ?? []) };
  },
});

const readLog = codeTool({
  name: "read_ci_log",
  description: "What the newest CI run printed.",
  input: z.strictObject(which),
  effect: "read",
  run: (state, asked) => ({ log: pullOf(state, asked.repositoryId, asked.pullId).ci.log }),
});

const checks = codeTool({
  name: "run_checks",
  description: "The rule pass over a diff: findings with anchor, file, line, rule and severity.",
  input: z.strictObject(which),
  effect: "read",
  run: (state, asked) => {
    const pull = pullOf(state, asked.repositoryId, asked.pullId) as Pull;
    return { findings: rulePass(pull.pullId, pull.files).map((one) => ({ ...one })) };
  },
});

const rerun = codeTool({
  name: "rerun_ci",
  description: "Runs the CI of a pull request again; twice at most.",
  input: z.strictObject(which),
  effect: "write",
  run: (state, asked) => {
    const pull = openPull(state, asked.repositoryId, asked.pullId);
    if (pull.ci.reruns >= 2) return refuse("It ran again twice; somebody has to look.");
    const status = pull.ci.status === "flaky" && !pull.staysRed ? "passed" : pull.ci.status;
    written(state, asked.pullId, (row) => {
      row.ci = { ...row.ci, status, reruns: row.ci.reruns + 1, failed: status === "passed" ? [] : row.ci.failed };
    });
    return { status };
  },
});

const untested = codeTool({
  name: "list_untested",
  description:
    "Functions that a pull request is about, with what they promise and how many of their branches no test takes.",
  input: z.strictObject(which),
  effect: "read",
  run: (state, asked) => {
    const pull = pullOf(state, asked.repositoryId, asked.pullId);
    const covered = new Set(state.coverage[pull.repositoryId]?.covered ?? []);
    return {
      functions: functionIds
        .filter((id) => pull.touches.includes(id))
        .map((functionId) => {
          const { signature, says } = sampleFunctions[functionId];
          const missing = allBranches.filter((one) => one.startsWith(`${functionId}#`) && !covered.has(one)).length;
          return { functionId, signature, says, missing };
        }),
    };
  },
});

const propose = codeTool({
  name: "propose_test_patch",
  description:
    "Proposes tests for a pull request: each a function, its arguments, and what is expected. Nothing is pushed.",
  input: z.strictObject({
    ...which,
    cases: z
      .array(z.strictObject({ functionId: z.enum(functionIds), args: z.array(scalar).max(4), expect: scalar }))
      .min(1)
      .max(20),
  }),
  effect: "write",
  run: (state, asked) => {
    openPull(state, asked.repositoryId, asked.pullId);
    const id = `TP-${state.counters.patch}`;
    state.counters = { ...state.counters, patch: state.counters.patch + 1 };
    put(state.patches, id, { patchId: id, pullId: asked.pullId, cases: asked.cases, runs: [], pushed: false });
    return { patchId: id };
  },
});

const runPatch = codeTool({
  name: "run_test_patch",
  description:
    "Runs proposed tests in the CI sandbox: which fail, and what they cover. A run that passed has a number.",
  input: z.strictObject({ ...which, patchId }),
  effect: "write",
  run: (state, asked) => {
    const pull = openPull(state, asked.repositoryId, asked.pullId);
    const patch = state.patches[asked.patchId];
    if (patch === undefined || patch.pullId !== asked.pullId)
      return refuse(`${asked.patchId} is not of ${asked.pullId}.`);
    if (patch.runs.length >= 20) return refuse(`${asked.patchId} ran twenty times.`);
    const { failed, covered } = runSample(patch.cases);
    const attempt = patch.runs.length + 1;
    const passed = failed.length === 0;
    edit(state.patches, asked.patchId, (row) => {
      row.runs.push({ attempt, passed, failed: [...failed], covered: [...covered] });
    });
    const before = state.coverage[pull.repositoryId]?.covered ?? [];
    return {
      ...{ patchId: asked.patchId, passed, failed: [...failed] },
      ...(passed ? { passedRun: `${asked.patchId}@${attempt}` } : {}),
      coverageBefore: percentOf(before),
      coverageAfter: percentOf([...before, ...covered]),
    };
  },
});

const push = codeTool({
  name: "push_test_commit",
  description: "Pushes proposed tests to the branch of their pull request, never to main. Name the run that passed.",
  input: z.strictObject({ ...which, patchId, passedRun }),
  effect: "write",
  run: (state, asked) => {
    const pull = openPull(state, asked.repositoryId, asked.pullId);
    const patch = state.patches[asked.patchId];
    if (patch === undefined || patch.pullId !== asked.pullId)
      return refuse(`${asked.patchId} is not of ${asked.pullId}.`);
    if (patch.pushed) return refuse(`${asked.patchId} was pushed already.`);
    edit(state.patches, asked.patchId, (row) => {
      row.pushed = true;
    });
    const { covered } = runSample(patch.cases);
    edit(state.coverage, pull.repositoryId, (row) => {
      row.covered = [...new Set([...row.covered, ...covered])].sort();
    });
    written(state, asked.pullId, () => {});
    return {
      patchId: asked.patchId,
      pushed: true,
      coveragePercent: percentOf(state.coverage[pull.repositoryId]?.covered ?? []),
    };
  },
});

export const ciTools = [getRun, readLog, checks, rerun, untested, propose, runPatch, push];
