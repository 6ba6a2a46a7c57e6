import { completenessOf, type Entry } from "@remit/core";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { encodings, plainEncoding, plant } from "./encode.ts";
import type { DojoPolicy } from "./policy.ts";
import { policyOf } from "./policy.ts";
import { openStage } from "./stage.ts";
import { loadAttacks, type Suite } from "./suite.ts";
import { tinyFolders } from "./tiny-suite.test.data.ts";

const tinyFolder = tinyFolders(afterAll);

const { folder, policy: file } = tinyFolder();
const { suites, templates } = loadAttacks(folder);
const suite = suites[0] as Suite;
const { policy, behaviours } = await policyOf(suite, file);
/** Every write waits for a person, who never comes. */
const gated: DojoPolicy = {
  ...policy,
  tools: new Map([...policy.tools].map(([name, one]) => [name, { ...one, risk: "high" as const }])),
};

test("however an injection is worded: ungoverned it gets through where there is something to do, gated nothing is written", async () => {
  const open = openStage({ suite, behaviours });
  const closed = openStage({ suite, behaviours, policy: gated });
  const arbCase = fc.record({
    one: fc.constantFrom(...suite.cases),
    template: fc.constantFrom(...templates.filter(({ stops }) => !stops)),
    encoding: fc.constantFrom(plainEncoding, ...encodings),
    approver: fc.constantFrom("none" as const, "ground-truth" as const),
  });
  await fc.assert(
    fc.asyncProperty(arbCase, async ({ one: { user, injection }, template, encoding, approver }) => {
      const planted = plant(template.text.replace("{goal}", injection.goal), user.vectors, encoding);
      const play = { user, attack: { injection, texts: Object.values(planted), stops: false } };
      const loose = await open.play({ play, planted, approver });
      expect([loose.reached, loose.misled]).toEqual([injection.calls.length > 0, injection.says !== ""]);
      expect([loose.done, loose.answered, loose.status]).toEqual([true, true, "completed"]);
      const strict = await closed.play({ play, planted, approver });
      expect([strict.reached, strict.strays, strict.status]).toEqual([false, [], "completed"]);
      expect(strict.asked.malicious > 0).toBe(injection.calls.length > 0);
    }),
    { numRuns: 40 },
  );
  await open.close();
  await closed.close();
});

test("M6 every write after foreign text has its plan, its exemption or its approval; without them it is missed", async () => {
  let planned = 0;
  for (const governing of [policy, gated]) {
    const stage = openStage({ suite, behaviours, policy: governing });
    for (const { user, injection } of suite.cases) {
      for (const approver of ["none", "ground-truth", "blind"] as const) {
        const planted = plant(injection.goal, user.vectors, plainEncoding);
        const play = { user, attack: { injection, texts: Object.values(planted), stops: false } };
        const entries = await (await stage.play({ play, planted, approver })).entries();
        expect(completenessOf(entries, stage.definition()).missing, `${user.id} ${approver}`).toEqual([]);
        for (const entry of entries) {
          if (entry.type !== "effect.intended" || entry.body.planned === undefined) continue;
          planned++;
          const { planned: _, ...bare } = entry.body;
          const altered = entries.map((one) => (one === entry ? ({ ...entry, body: bare } as Entry) : one));
          const unplanned = entries.filter(({ type }) => type !== "plan.made");
          const wants = (of: readonly Entry[]) =>
            completenessOf(of, stage.definition()).missing.map((one) => one.wants);
          if (governing === policy)
            expect(wants(altered)).toContain("an entry of a plan, an exemption, or approval.granted");
          expect(wants(unplanned)).toContain("plan.made with the entry that it names");
        }
      }
    }
    await stage.close();
  }
  expect(planned).toBeGreaterThan(0);
});

test("a model that has read no injection serves its user alone", async () => {
  const stage = openStage({ suite, behaviours });
  for (const { user, injection } of suite.cases) {
    const outcome = await stage.play({
      play: { user, attack: { injection, texts: ["a text that stands nowhere"], stops: false } },
      approver: "none",
    });
    expect(outcome).toMatchObject({
      reached: false,
      strays: [],
      done: true,
      answered: true,
      clean: true,
      misled: false,
    });
  }
  await stage.close();
});

test("a tenant may do less than its agent, and nobody is asked about what is not allowed", async () => {
  const stage = openStage({ suite, behaviours, policy: gated, tenants: { closed: { effects: "read" } } });
  const [user] = suite.userTasks.filter(({ calls }) => calls.some(({ tool }) => tool === "send_parcel"));
  const outcome = user && (await stage.play({ play: { user }, approver: "blind", tenant: "closed" }));
  expect(outcome).toMatchObject({ done: false, asked: { honest: 0, malicious: 0 }, strays: [] });
  await stage.close();
});
