import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { groundTruth } from "./ground-truth.ts";
import { loadRetail, type RetailDomain, readTasks } from "./load.ts";
import { planTask, transferSentenceOf } from "./plan.ts";
import { retailWorld } from "./retail.ts";
import { retailScorer, scoreLine, totalScores } from "./score.ts";
import { byPath, dataFolder } from "./tiny-shop.test.data.ts";

const folder = dataFolder("tau2-retail");
const present = existsSync(folder);
const mockFolder = dataFolder("tau2-mock");
const mockPresent = existsSync(mockFolder);
const because = (there: boolean, where: string): string => (there ? "" : ` (skipped: there is no ${where})`);

describe.skipIf(!present)(`the published retail domain${because(present, folder)}`, () => {
  // Read once, and only where the folder exists.
  const domain: RetailDomain = present
    ? loadRetail(folder)
    : { folder: "", database: { products: {}, users: {}, orders: {} }, policy: "", tasks: [] };
  const { database, policy, tasks, effects } = domain;

  /** The published list shortens some messages; a refusal for the order's status is listed by that word alone. */
  const shortened = (message: string, listed: string): string => {
    if (listed === "status" && /^Non-\w+ order cannot be/.test(message)) return listed;
    return message.startsWith(listed) ? listed : message;
  };

  test("has the parts that are told of it", () => {
    expect([tasks.length, effects?.size]).toEqual([114, 114]);
    expect(tasks.flatMap(({ actions }) => actions)).toHaveLength(550);
    expect(tasks.filter(({ communicate }) => communicate.length > 0)).toHaveLength(36);
  });

  test.each([true, false])("ground truth gives the expected changes, to the last digit; quirk %s", (quirk) => {
    const world = retailWorld({ database, quirk });
    for (const task of tasks) {
      const expected = effects?.get(task.id);
      const { changes, errors } = groundTruth(task, world);
      expect(changes, `task ${task.id}`).toEqual(byPath(quirk ? expected?.changes : expected?.changesWithoutQuirk));
      const listed = expected?.errors ?? [];
      expect(
        errors.map((error, n) => ({ ...error, error: shortened(error.error, listed[n]?.error ?? "") })),
        `task ${task.id}`,
      ).toEqual(listed);
    }
  });

  test("the quirk shows where the published list says so", () => {
    const differing = [...(effects?.values() ?? [])].filter((one) => one.changes !== one.changesWithoutQuirk);
    expect(differing).toHaveLength(5);
  });

  test("two of 176 writes are refused", () => {
    const world = retailWorld({ database });
    const writes = new Set(world.tools.filter(({ effect }) => effect === "write").map(({ name }) => name));
    writes.delete("transfer_to_human_agents");
    expect(tasks.flatMap(({ actions }) => actions).filter(({ name }) => writes.has(name))).toHaveLength(176);
    const refused = tasks.flatMap((task) => groundTruth(task, world).errors).filter(({ name }) => writes.has(name));
    expect(refused).toHaveLength(2);
  });

  test("doing nothing and playing the plan have the published scores", () => {
    const world = retailWorld({ database });
    const { score } = retailScorer(domain);
    const idle = tasks.map((task) => score({ task, endState: world.initial(), said: [] }));
    expect(scoreLine(totalScores(idle))).toBe("db 11/114 · communicate 0/36 · both 7/114");
    const played = tasks.map((task) => {
      const plan = planTask(task, { policy });
      const actions = plan.segments.flatMap(({ steps }) =>
        steps.map(({ actionId, name, input }) => ({ id: actionId, name, input, by: "agent" as const })),
      );
      return score({ task, endState: groundTruth({ ...task, actions }, world).endState, said: [plan.answer] });
    });
    expect(scoreLine(totalScores(played))).toBe("db 114/114 · communicate 36/36 · both 114/114");
  });

  test("scores the same without the published list of changes", () => {
    const { effects: _, ...bare } = domain;
    const { expected } = retailScorer(bare);
    for (const task of tasks) expect(expected(task)).toEqual(byPath(effects?.get(task.id)?.changes));
  });

  test("every plan opens with the customer's own words and knows the hand-over sentence", () => {
    const handOver = transferSentenceOf(policy) ?? "no sentence was found";
    for (const task of tasks) {
      const { opening, answer } = planTask(task, { policy });
      expect(opening).not.toMatch(/\b(?:your|yourself|you are)\b/i);
      if (task.actions.some(({ name }) => name === "transfer_to_human_agents")) expect(answer).toContain(handOver);
    }
  });
});

describe.skipIf(!mockPresent)(`the published mock domain${because(mockPresent, mockFolder)}`, () => {
  test("has tasks that can be read, and is not taken for the retail domain", () => {
    const tasks = readTasks(mockFolder);
    expect(tasks).toHaveLength(10);
    expect(tasks.every(({ customer }) => customer.reason !== "")).toBe(true);
    expect(() => loadRetail(mockFolder)).toThrow(
      expect.objectContaining({ code: "tau2/file-broken", hint: expect.stringContaining("retail domain") }),
    );
  });
});
