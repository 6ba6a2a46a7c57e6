import { connect } from "node:net";
import { expect, test, vi } from "vitest";
import { httpServer } from "./http-server-options.ts";
import { serveMcp } from "./serve.ts";

test("a request for what is no address is a mistake of who sends it, and none of ours", async () => {
  const error = vi.fn();
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error };
  await using serving = await serveMcp({ name: "shop", version: "1", tools: [], transport: httpServer(), logger });
  const { host = "", port = 0 } = serving.address ?? {};
  const socket = connect(port, host);
  socket.write(`GET http://[ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
  let heard = "";
  for await (const chunk of socket) heard += String(chunk);
  expect(heard).toMatch(/^HTTP\/1\.1 400 /);
  expect(error).not.toHaveBeenCalled();
});
