import fc from "fast-check";
import { expect, test } from "vitest";
import { turns } from "./turns.ts";

const all = <Item>(waiting: ReturnType<typeof turns<Item>>): Item[] => {
  const items: Item[] = [];
  for (let item = waiting.next(); item !== undefined; item = waiting.next()) items.push(item);
  return items;
};

test("L6 tenants take turns, and within a tenant the first comes first", () => {
  const waiting = turns<string>();
  for (const name of ["a1", "a2", "a3", "b1", "c1", "b2"]) waiting.add(name.charAt(0), name, name);
  expect(waiting.size).toBe(6);
  expect(waiting.find("b2")).toBe("b2");
  expect([waiting.next(), waiting.next()]).toEqual(["a1", "b1"]);
  expect(waiting.find("b1")).toBeUndefined();
  waiting.add("d", "d1", "d1");
  expect(all(waiting)).toEqual(["c1", "a2", "b2", "d1", "a3"]);
  expect(waiting.size).toBe(0);
});

test("everything that was added comes out once, in the order of its tenant", () => {
  const arbSteps = fc.array(fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }), { maxLength: 300 });
  fc.assert(
    fc.property(arbSteps, (steps) => {
      const waiting = turns<string>();
      const added: string[] = [];
      const taken: string[] = [];
      for (const [index, tenant] of steps.entries()) {
        if (tenant === undefined) {
          const item = waiting.next();
          if (item !== undefined) taken.push(item);
        } else {
          const name = `${tenant}${index}`;
          added.push(name);
          waiting.add(tenant, name, name);
        }
        expect(waiting.size).toBe(added.length - taken.length);
      }
      taken.push(...all(waiting));
      for (const tenant of ["a", "b", "c"]) {
        const of = (names: string[]) => names.filter((name) => name.startsWith(tenant));
        expect(of(taken)).toEqual(of(added));
      }
    }),
  );
});

test("what is taken out before its turn comes out no more, and costs its tenant no turn", () => {
  const waiting = turns<string>();
  for (const name of ["a1", "a2", "b1", "b2"]) waiting.add(name.charAt(0), name, name);
  expect([waiting.take("a1"), waiting.take("a1"), waiting.size]).toEqual(["a1", undefined, 3]);
  expect(waiting.find("a1")).toBeUndefined();
  expect(all(waiting)).toEqual(["a2", "b1", "b2"]);
  waiting.add("a", "a3", "a3");
  waiting.take("a3");
  expect([waiting.next(), waiting.size]).toEqual([undefined, 0]);
  waiting.add("a", "a3", "again");
  expect(all(waiting)).toEqual(["again"]);
});

test("clearing leaves nothing", () => {
  const waiting = turns<number>();
  waiting.add("a", "one", 1);
  waiting.add("b", "two", 2);
  expect(waiting.clear()).toEqual([1, 2]);
  expect(waiting.size).toBe(0);
  expect(waiting.next()).toBeUndefined();
  waiting.add("a", "one", 3);
  expect(waiting.next()).toBe(3);
});
