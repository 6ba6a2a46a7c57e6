import { expect, test } from "vitest";
import { placeOf } from "./place.ts";

test("paths begin where the person is, which npm tells", () => {
  const place = placeOf({ env: { INIT_CWD: "/home/mo", npm_lifecycle_event: "start" }, cwd: "/srv/remit" });
  expect(place.state).toBe("/home/mo/.remit");
  expect(place.resolve("../data")).toBe("/home/data");
  expect(place.shown("/home/mo/.remit/x.html")).toBe(".remit/x.html");
  expect(place.shown("/srv/y.html")).toBe("/srv/y.html");
  expect(place.command("list")).toBe("npm start -- list");
});

test("another script than npm start is where it has gone to", () => {
  const place = placeOf({ env: { INIT_CWD: "/home/mo", npm_lifecycle_event: "test" }, cwd: "/home/mo/claims" });
  expect(place.resolve("pack.ts")).toBe("/home/mo/claims/pack.ts");
  expect(placeOf({ env: { INIT_CWD: "/home/mo" }, cwd: "/home/mo/claims" }).folder).toBe("/home/mo/claims");
});

test("a state folder of one's own is part of every command that is told", () => {
  const place = placeOf({ state: "it's here", env: {}, cwd: "/tmp" });
  expect(place.state).toBe("/tmp/it's here");
  expect(place.command("show run_1")).toBe(`remit show run_1 --state 'it'\\''s here'`);
});
