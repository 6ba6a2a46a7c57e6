import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openWorldReader, openWorldStore } from "../world/store.ts";
import { retailWorld } from "./retail.ts";
import { cloneState } from "./state.ts";
import { tinyShop } from "./tiny-shop.test.data.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "remit-tau2-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const world = retailWorld({ database: tinyShop });

test("states share their records, and a change in one is in no other", () => {
  const one = world.initial();
  const two = world.clone(one);
  expect(two).not.toBe(one);
  expect(two.orders).toBe(one.orders);
  const cancel = world.tools.find(({ name }) => name === "cancel_pending_order");
  cancel?.run(two, { order_id: "#gift", reason: "no longer needed" });
  expect(one).toEqual(tinyShop);
  expect(two.orders["#gift"]?.status).toBe("cancelled");
  expect(two.orders["#card"]).toBe(one.orders["#card"]);
  expect(two.users.bo).toBe(one.users.bo);
});

test("a world store keeps runs apart, logs refusals, and another process sees the same changes", () => {
  const store = openWorldStore({ world, dir });
  const address = { address1: "9 Mill Road", address2: "", city: "Port Ness", state: "PN", country: "Nowhere" };
  const move = { user_id: "ada", ...address, zip: "00042" };
  expect(store.call("one", "modify_user_address", move, { key: "k1" })).toMatchObject({ status: "done" });
  expect(store.call("one", "modify_user_address", move, { key: "k1" })).toMatchObject({ duplicate: true });
  expect(store.call("two", "cancel_pending_order", { order_id: "#sent", reason: "?" }, { key: "k2" })).toMatchObject({
    status: "refused",
    message: "Non-pending order cannot be cancelled",
  });
  store.close();
  const reader = openWorldReader({ world, dir });
  expect(reader.changes("one")).toEqual([
    { path: "/users/ada/address/address1", before: "3 Quay Street", after: "9 Mill Road" },
  ]);
  expect(reader.changes("two")).toEqual([]);
  expect(reader.endState("two")).toEqual(cloneState(tinyShop));
});
