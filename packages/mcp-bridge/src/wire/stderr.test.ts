import { PassThrough } from "node:stream";
import { fakeClock } from "@remit/core/testing";
import { expect, test } from "vitest";
import { keepingLogger } from "../testing/fixture.ts";
import { createMask } from "../text.ts";
import { drainStderr } from "./stderr.ts";

const secret = "s3cr3t-value-of-the-token";

test.each([
  ["at the end of what is logged of a line", [`${"x".repeat(1_990)}${secret}${"y".repeat(100)}\n`]],
  ["at the beginning of what is kept of one", [`${"x".repeat(100)}${secret}${"y".repeat(1_990)}`, "z\n"]],
])("no part of a secret is logged %s", async (_, chunks) => {
  const logger = keepingLogger();
  const stream = new PassThrough();
  const mask = createMask({ TOKEN: secret });
  const tail = drainStderr(stream, { server: "shop", logger, clock: fakeClock(), mask });
  for (const chunk of chunks) stream.write(chunk);
  await new Promise((resolve) => setImmediate(resolve));
  const logged = logger.lines.map(({ fields }) => String(fields.line)).join("\n");
  expect(logged.length).toBeGreaterThan(1_000);
  expect(logged).not.toContain(secret.slice(0, 6));
  expect(logged).not.toContain(secret.slice(-6));
  expect(tail.last(2_000)).not.toContain(secret.slice(-6));
});
