import { z } from "zod";
import { defineTool } from "../tool.ts";
import { edit, grant } from "./index.ts";

const refundOrder = defineTool({
  name: "refund_order",
  description: "",
  input: z.object({ amountCents: z.int() }),
  output: z.object({}),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: () => ({}),
});

grant(refundOrder);
grant("a_tool_of_a_server");
edit(refundOrder, { amountCents: 1 }, "less");
edit("a_tool_of_a_server", { anything: true }, "less");
// @ts-expect-error the arguments are the tool's own
edit(refundOrder, { amount: 1 }, "less");
// @ts-expect-error whoever changes something says why
edit(refundOrder, { amountCents: 1 });
