import fc from "fast-check";
import { expect, test } from "vitest";
import { type Box, type Link, layered } from "./layout.ts";

const arbGraph = fc
  .record({
    sizes: fc.array(fc.integer({ min: 20, max: 180 }), { minLength: 1, maxLength: 12 }),
    links: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.option(fc.integer({ min: 10, max: 140 }))), { maxLength: 24 }),
  })
  .map(({ sizes, links }) => ({
    boxes: sizes.map((width, index): Box => ({ id: `b${index}`, width, height: 30 })),
    links: links.map(([from, to, label]): Link => {
      const ends = { from: `b${from % sizes.length}`, to: `b${to % sizes.length}` };
      return label === null ? ends : { ...ends, label: { width: label, height: 18 } };
    }),
  }));

test("L1 boxes and labels never overlap and lie inside; L2 every link runs from its one end to its other", () => {
  fc.assert(
    fc.property(arbGraph, ({ boxes, links }) => {
      const layout = layered(boxes, links, "b0");
      const placed = [...layout.boxes.values(), ...layout.routes.flatMap(({ label }) => label ?? [])];
      for (const [index, one] of placed.entries()) {
        expect(one.x - one.width / 2).toBeGreaterThanOrEqual(-0.01);
        expect(one.x + one.width / 2).toBeLessThanOrEqual(layout.width + 0.01);
        expect(one.y + one.height / 2).toBeLessThanOrEqual(layout.height + 0.01);
        for (const other of placed.slice(index + 1)) {
          const apartX = Math.abs(one.x - other.x) >= (one.width + other.width) / 2 - 0.01;
          const apartY = Math.abs(one.y - other.y) >= (one.height + other.height) / 2 - 0.01;
          expect(apartX || apartY).toBe(true);
        }
      }
      for (const [index, { from, to }] of links.entries()) {
        const route = layout.routes[index];
        if (from === to) {
          expect(route?.points).toEqual([]);
          continue;
        }
        const ends = [route?.points[0], route?.points.at(-1)];
        for (const [place, box] of [from, to].map((id) => layout.boxes.get(id)).entries()) {
          expect(Math.abs((ends[place]?.x ?? 0) - (box?.x ?? 0))).toBeLessThanOrEqual((box?.width ?? 0) / 2);
          expect(Math.abs((ends[place]?.y ?? 0) - (box?.y ?? 0))).toBeCloseTo((box?.height ?? 0) / 2);
        }
      }
    }),
  );
});

test("the same graph gives the same drawing; a line runs down, a cycle runs back up", () => {
  const boxes = ["a", "b", "c"].map((id) => ({ id, width: 60, height: 30 }));
  const links = [
    { from: "a", to: "b" },
    { from: "b", to: "c" },
    { from: "c", to: "a" },
  ];
  const layout = layered(boxes, links, "a");
  expect(layered(boxes, links, "a")).toEqual(layout);
  const heights = ["a", "b", "c"].map((id) => layout.boxes.get(id)?.y ?? 0);
  expect(heights).toEqual([...heights].sort((left, right) => left - right));
  expect(layout.routes.map(({ upwards }) => upwards)).toEqual([false, false, true]);
});

test("a link to a box that is not there is refused", () => {
  expect(() => layered([{ id: "a", width: 1, height: 1 }], [{ from: "a", to: "b" }], "a")).toThrow(/a and b/);
});
