import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { playAll } from "../../../packs/play.test.data.ts";
import { inProcessTools } from "../../world/in-process.ts";
import { guideModel } from "./guide.ts";
import { packOf } from "./pack.ts";
import { faults, taskOf, tinyCarrier, tinyDiagnosis } from "./tiny-carrier.test.data.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-telecom-guide-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const named = (...names: readonly string[]) => faults.filter(({ name }) => names.includes(name));

/** Plays these tasks by the drawing: what each came to, and what the customer was asked to do. */
async function guided(...tasks: readonly (readonly string[])[]) {
  mkdirSync(join(folder, "workflows"));
  writeFileSync(join(folder, "workflows", "harbour.dot"), tinyDiagnosis);
  const domain = tinyCarrier(
    folder,
    tasks.map((names) => taskOf(named(...names))),
  );
  const pack = packOf(domain, { module: "", export: "", dir: "" } as never);
  const world = inProcessTools(pack, join(folder, "worlds"));
  try {
    const definition = pack.team(world.tools);
    const played = await playAll({ pack, world, definition, name: "workflow", seed: 0, chosen: pack.scenarios() });
    return played.map(({ outcome, marks, violations, log, replayed }) => ({
      status: outcome.result.status,
      reward: marks.reward,
      violations,
      replayed,
      asked: log.flatMap(({ tool, by }) => (by === "customer" ? [tool] : [])),
    }));
  } finally {
    world.close();
  }
}

test("what the drawing has a way for is put right, by looking first, and nothing else is touched", async () => {
  const sound = { status: "completed", reward: true, violations: [], replayed: true };
  expect(await guided(["airplane"], ["sim"], ["airplane", "sim"])).toEqual([
    { ...sound, asked: ["check_status_bar", "check_network_status", "toggle_airplane_mode"] },
    { ...sound, asked: ["check_status_bar", "check_network_status", "check_sim_status", "reseat_sim_card"] },
    {
      ...sound,
      asked: [
        "check_status_bar",
        "check_network_status",
        "toggle_airplane_mode",
        "check_sim_status",
        "reseat_sim_card",
      ],
    },
  ]);
});

test("what it has no way for goes to a person: rightly where only a person can help, else it has failed", async () => {
  const [pin, apn] = await guided(["pin"], ["apn"]);
  expect(pin).toMatchObject({ status: "escalated", reward: true, violations: [] });
  expect(apn).toMatchObject({ status: "escalated", reward: false, violations: [] });
});

test("without drawings there is nothing to go by", () => {
  const domain = tinyCarrier(folder, []);
  expect(() => guideModel(domain)).toThrow(expect.objectContaining({ code: "usage/wrong" }));
  mkdirSync(join(folder, "workflows"));
  writeFileSync(join(folder, "workflows", "broken.dot"), "digraph {");
  expect(() => guideModel(domain)).toThrow(expect.objectContaining({ code: "tau2/file-broken" }));
});
