import type { AnyReadTool, Tool } from "@remit/core";
import { expectTypeOf } from "vitest";
import { readMcpConfig } from "./config.ts";
import { connectMcpServers } from "./servers.ts";
import { stdio } from "./transport.ts";

const transport = stdio("shop-server");
const { servers, tools, status } = await connectMcpServers({
  servers: {
    shop: { transport, tools: { read_order: { effect: "read" } } },
    files: { transport, prefix: true, tools: { read_file: { effect: "read" } } },
  },
  trustOnFirstUse: true,
});
expectTypeOf(servers.shop.tools.read_order.name).toEqualTypeOf<"read_order">();
// With a prefix the name is made at run time; what the tool does is known all the same.
expectTypeOf(servers.files.tools.read_file.name).toEqualTypeOf<string>();
expectTypeOf(servers.files.tools.read_file).toExtend<AnyReadTool>();
expectTypeOf(status().shop.state).toExtend<string>();
expectTypeOf(tools[0]).toExtend<Tool | undefined>();
// @ts-expect-error a server that was not named does not exist
servers.other;

const config = await readMcpConfig("mcp.json");
const many = await connectMcpServers({ servers: config.servers, trustOnFirstUse: true });
expectTypeOf(many.servers.any?.tools.thing?.name).toExtend<string | undefined>();
