import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { restateEngine } from "./engine.ts";

test("a worker whose port was taken gets it when it is asked again and the port is free", async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const { port } = holder.address() as AddressInfo;
  const away = "http://127.0.0.1:1";
  const engine = restateEngine({ ingress: away, admin: away, worker: { port }, deadlineMs: 100 });
  engine.register("desk@hash", { drive: async () => {}, execute: () => Promise.reject(new Error("nothing is done")) });
  await expect(engine.ready()).rejects.toMatchObject({ code: "EADDRINUSE" });
  await new Promise<void>((resolve) => holder.close(() => resolve()));
  // Here the port is open, and the cluster is not there to be told.
  await expect(engine.ready()).rejects.toMatchObject({ code: "engine/admin-unreachable" });
  await engine.close();
}, 20_000);
