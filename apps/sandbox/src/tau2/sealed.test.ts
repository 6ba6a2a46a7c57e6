import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Played, playAll } from "../../packs/play.test.data.ts";
import type { WorldPack } from "../pack.ts";
import { sealedUnder } from "../suite/sealing.ts";
import { inProcessTools } from "../world/in-process.ts";
import { retailPack } from "./pack.ts";
import { dataFolder, tinyShop } from "./tiny-shop.test.data.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-retail-sealed-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function playSealed(pack: WorldPack): Promise<Played[]> {
  const world = inProcessTools(pack, join(folder, "worlds"));
  try {
    const definition = pack.team(world.tools);
    const sealing = sealedUnder("5".repeat(64), pack);
    return await playAll({ pack, world, definition, name: "oracle", seed: 0, chosen: pack.scenarios(), sealing });
  } finally {
    world.close();
  }
}

const failed = (played: readonly Played[]) =>
  played.flatMap(({ outcome, checks, violations, replayed }) => [
    ...checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${outcome.scenario.name}: ${name}: ${detail}`),
    ...violations.map((one) => `${outcome.scenario.name}: ${one}`),
    ...(replayed ? [] : [`${outcome.scenario.name}: its replay differs`]),
  ]);

// Numbers of goods as the published shop has them: in a sentence they read like telephone numbers.
const [lamp, blue] = ["4702118811", "6130713659"];

/** The tiny shop with such numbers, and a customer who wants lamps of another colour. */
function numberedShop(): void {
  const text = JSON.stringify(tinyShop).replaceAll('"l1"', `"${lamp}"`).replaceAll('"l3"', `"${blue}"`);
  const action = (id: string, name: string, input: object) => ({ action_id: id, name, arguments: input });
  const items = { order_id: "#card", item_ids: [lamp, lamp], new_item_ids: [blue, blue], payment_method_id: "card-1" };
  const task = {
    id: "1",
    description: { purpose: "changes two lamps" },
    user_scenario: {
      persona: null,
      instructions: {
        domain: "retail",
        reason_for_call: "You want both lamps of order #card in blue.",
        known_info: "Your mail is Ada.Quill@shop.test.",
        unknown_info: null,
        task_instructions: "Be brief.",
      },
    },
    initial_state: null,
    evaluation_criteria: {
      actions: [
        action("1_0", "find_user_id_by_email", { email: "Ada.Quill@shop.test" }),
        action("1_1", "get_order_details", { order_id: "#card" }),
        action("1_2", "modify_pending_order_items", items),
      ],
      communicate_info: [],
      nl_assertions: null,
      reward_basis: ["DB"],
    },
  };
  writeFileSync(join(folder, "db.json"), text);
  writeFileSync(join(folder, "tasks.json"), JSON.stringify([task]));
  writeFileSync(join(folder, "policy.md"), "Be kind.");
}

test("with what comes in sealed a change is judged and made by the books, and the customer is asked in the clear", async () => {
  numberedShop();
  const asked: string[] = [];
  const pack = retailPack(folder);
  const otherwise: WorldPack["otherwise"] = (of, question) => {
    asked.push(question);
    return pack.otherwise?.(of, question);
  };
  const [played, ...others] = await playSealed({ ...pack, otherwise });
  expect(others).toEqual([]);
  expect(played && failed([played])).toEqual([]);
  const sent = played?.log.find(({ tool }) => tool === "modify_pending_order_items")?.input;
  expect(sent).toMatchObject({ item_ids: [lamp, lamp], new_item_ids: [blue, blue] });
  expect(asked).toEqual([expect.stringContaining(`(#card, ${lamp}, ${lamp}, ${blue}, ${blue}, card-1)`)]);
  // What stood in the shop's books before a sentence made it a number to call is the shop's own.
  expect(JSON.stringify(played?.entries)).not.toContain("Ada.Quill@shop.test");
});

test("a judge that is shown tokens does not know the shop's numbers, and objects", async () => {
  numberedShop();
  const { seal: _, ...blind } = retailPack(folder);
  const [played] = await playSealed(blind);
  expect(played?.outcome.types).not.toContain("effect.intended");
  expect(played?.marks).toMatchObject({ db: false, byCompliance: 1 });
});

const published = dataFolder("tau2-retail");
const isThere = existsSync(published);
describe.skipIf(!isThere)(
  `the published retail domain, sealed${isThere ? "" : ` (skipped: there is no ${published})`}`,
  () => {
    test("ends as the ground truth, says what has to be said, and is violated nowhere", {
      timeout: 120_000,
    }, async () => {
      const played = await playSealed(retailPack(published));
      expect(failed(played)).toEqual([]);
      const marks = played.map((one) => one.marks);
      expect([marks.length, marks.filter(({ db }) => db === true).length]).toEqual([114, 114]);
      expect(marks.filter(({ communicate }) => communicate === true)).toHaveLength(36);
      expect(marks.filter(({ communicate }) => communicate === false)).toEqual([]);
    });
  },
);
