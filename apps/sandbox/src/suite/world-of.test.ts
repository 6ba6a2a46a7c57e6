import { allDetectors } from "@remit/tools/detect";
import { expect, test } from "vitest";
import { scenarioOf, worldOf } from "./world-of.ts";

test("a world is named by its suite and its scenario", () => {
  const id = "order-desk-20261129-220950-0d28b3";
  expect(worldOf({ id }, "the-other-card")).toBe(`${id}.the-other-card`);
  expect(scenarioOf(worldOf({ id, sealed: true }, "the-other-card"))).toBe("the-other-card");
});

test("nothing is found in the name of a sealed suite's world, whenever it began", () => {
  const found: string[] = [];
  for (let minute = 0; minute < 3_000; minute++) {
    const stamp = new Date(Date.UTC(2026, 10, 29, 22, 9, 50) + minute * 61_007).toISOString();
    const chance = ((minute * 7_919) % 0xffffff).toString(16).padStart(6, "0");
    const id = `order-desk-${stamp.replaceAll(/[-:]/g, "").replace("T", "-").slice(0, 15)}-${chance}`;
    const text = `world id: ${worldOf({ id, sealed: true }, "a-card-number-by-telephone")}`;
    if (allDetectors().some(({ detect }) => detect(text).length > 0)) found.push(text);
  }
  expect(found).toEqual([]);
});
