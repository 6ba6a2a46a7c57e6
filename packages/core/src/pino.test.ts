import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { pinoLogger } from "./pino.ts";

function collector() {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      lines.push(JSON.parse(String(chunk)) as Record<string, unknown>);
      done();
    },
  });
  return { lines, stream };
}

describe("pinoLogger", () => {
  test("writes a constant sentence with its fields, from its level up", () => {
    const { lines, stream } = collector();
    const logger = pinoLogger({ destination: stream, base: { service: "desk" } });
    logger.debug({ payload: "long" }, "a payload");
    logger.warn({ runId: "run_1", code: "journal/conflict" }, "a run stopped being driven");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      service: "desk",
      runId: "run_1",
      code: "journal/conflict",
      msg: "a run stopped being driven",
    });
  });

  test("never writes what is named like a secret, nor what it is told to leave out", () => {
    const { lines, stream } = collector();
    const logger = pinoLogger({ destination: stream, redact: ["customer.email"] });
    logger.info(
      { token: "t0p", headers: { authorization: "Bearer x" }, customer: { email: "a@example.org" } },
      "a call",
    );
    expect(JSON.stringify(lines)).not.toMatch(/t0p|Bearer|example\.org/);
  });
});
