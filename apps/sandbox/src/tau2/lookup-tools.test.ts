import { describe, expect, test } from "vitest";
import { z } from "zod";
import { retailTools } from "./retail.ts";
import { shopRun, tinyShop } from "./tiny-shop.test.data.ts";
import { effectOf, retailToolKinds, roleOf } from "./tool-role.ts";

describe("the tools as a list", () => {
  test("there are 16, each once, under the published names and with their effects", () => {
    const tools = retailTools();
    expect(tools.map(({ name }) => name).toSorted()).toEqual(Object.keys(retailToolKinds).toSorted());
    expect(tools.filter(({ effect }) => effect === "write").map(({ name }) => name)).toEqual([
      "transfer_to_human_agents",
      "cancel_pending_order",
      "modify_pending_order_payment",
      "modify_pending_order_items",
      "modify_user_address",
      "modify_pending_order_address",
      "return_delivered_order_items",
      "exchange_delivered_order_items",
    ]);
  });

  test("the calculator is retrieval's, the hand-over is action's", () => {
    expect([roleOf("calculate"), effectOf("calculate")]).toEqual(["retrieval", "read"]);
    expect([roleOf("transfer_to_human_agents"), effectOf("transfer_to_human_agents")]).toEqual(["action", "write"]);
  });

  test("every input has a JSON Schema that allows no other argument", () => {
    for (const { input } of retailTools()) {
      expect(z.toJSONSchema(input, { io: "input" })).toMatchObject({ type: "object", additionalProperties: false });
    }
  });

  test("a wrong reason is left to the tool, but the schema names the right ones", () => {
    const cancel = retailTools().find(({ name }) => name === "cancel_pending_order");
    expect(z.toJSONSchema(cancel?.input ?? z.never())).toMatchObject({
      properties: { reason: { type: "string", enum: ["no longer needed", "ordered by mistake"] } },
    });
  });
});

describe("look-ups", () => {
  const { say, start, state } = shopRun();

  test.each([
    ["find_user_id_by_email", { email: "ADA.quill@SHOP.test" }, "ada"],
    ["find_user_id_by_email", { email: "ada.quill@shop" }, "!User not found"],
    ["find_user_id_by_name_zip", { first_name: "BO", last_name: "quill", zip: "00043" }, "bo"],
    ["find_user_id_by_name_zip", { first_name: "Bo", last_name: "Quill", zip: "00042" }, "!User not found"],
    ["get_user_details", { user_id: "ada" }, tinyShop.users.ada ?? null],
    ["get_user_details", { user_id: "Ada" }, "!User not found"],
    ["get_order_details", { order_id: "#gift" }, tinyShop.orders["#gift"] ?? null],
    ["get_order_details", { order_id: "gift" }, "!Order not found"],
    ["get_product_details", { product_id: "p-mug" }, tinyShop.products["p-mug"] ?? null],
    ["get_product_details", { product_id: "m1" }, "!Product not found"],
    ["get_item_details", { item_id: "l4" }, tinyShop.products["p-lamp"]?.variants.l4 ?? null],
    ["get_item_details", { item_id: "p-lamp" }, "!Item not found"],
    ["list_all_product_types", {}, '{"Lamp":"p-lamp","Mug":"p-mug"}'],
    ["calculate", { expression: "(20.1 + 35.4) * 2" }, "111.0"],
    ["calculate", { expression: "10 / 3" }, "3.33"],
    ["calculate", { expression: "two" }, "!Invalid characters in expression"],
    ["transfer_to_human_agents", { summary: "wants a person" }, "Transfer successful"],
  ])("%s %j", (name, input, answer) => {
    expect(say(name, input)).toEqual(answer);
    expect(state()).toEqual(start);
  });

  test.each(["constructor", "__proto__", "toString"])("what objects inherit is no id: %s", (id) => {
    expect(say("get_user_details", { user_id: id })).toBe("!User not found");
    expect(say("get_order_details", { order_id: id })).toBe("!Order not found");
    expect(say("get_product_details", { product_id: id })).toBe("!Product not found");
    expect(say("get_item_details", { item_id: id })).toBe("!Item not found");
    expect(say("modify_pending_order_payment", { order_id: "#card", payment_method_id: id })).toBe(
      "!Payment method not found",
    );
  });

  test("a look-up sees what was changed before", () => {
    const run = shopRun();
    const address = { address1: "1 Hill", address2: "B", city: "Top", state: "TP", country: "Nowhere", zip: "99999" };
    run.say("modify_user_address", { user_id: "bo", ...address });
    expect(run.say("find_user_id_by_name_zip", { first_name: "bo", last_name: "quill", zip: "99999" })).toBe("bo");
    expect(run.say("find_user_id_by_name_zip", { first_name: "bo", last_name: "quill", zip: "00043" })).toBe(
      "!User not found",
    );
  });

  test("a missing, a wrong or an unknown argument is refused before the tool runs", () => {
    expect(say("get_user_details", {})).toMatch(/^!Invalid arguments/);
    expect(say("get_user_details", { user_id: 7 })).toMatch(/^!Invalid arguments/);
    expect(say("get_user_details", { user_id: "ada", verbose: true })).toMatch(/^!Invalid arguments/);
    expect(say("drop_tables", {})).toBe("!Tool drop_tables not found");
  });
});
