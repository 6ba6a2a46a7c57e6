import { expect, test } from "vitest";
import { OrchestrationError } from "../errors.ts";
import { free, modelError, toldBy } from "./failure.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const error = (more: object) => Object.assign(new Error("said so"), more);
class APIConnectionError extends Error {}

test.each<[string, unknown, string]>([
  ["429", error({ status: 429 }), "model/rate-limited"],
  ["500", error({ status: 500 }), "model/overloaded"],
  ["502", error({ status: 502 }), "model/overloaded"],
  ["503", error({ status: 503 }), "model/overloaded"],
  ["504", error({ status: 504 }), "model/overloaded"],
  ["529", error({ status: 529 }), "model/overloaded"],
  ["520 of a proxy", error({ status: 520 }), "model/overloaded"],
  ["524 of a proxy", error({ status: 524 }), "model/overloaded"],
  ["408", error({ status: 408 }), "model/overloaded"],
  ["409", error({ status: 409 }), "model/overloaded"],
  [
    "an overload in the middle of a stream",
    error({ error: { error: { type: "overloaded_error" } } }),
    "model/overloaded",
  ],
  ["ECONNREFUSED", error({ code: "ECONNREFUSED" }), "model/unreachable"],
  ["EAI_AGAIN below", new TypeError("fetch failed", { cause: error({ code: "EAI_AGAIN" }) }), "model/unreachable"],
  ["an APIConnectionError", new APIConnectionError("no way"), "model/unreachable"],
  ["400", error({ status: 400 }), "model/failed"],
  ["501", error({ status: 501 }), "model/failed"],
  ["a number that is no status", error({ status: 1302 }), "model/failed"],
  ["a throw of anything", error({}), "model/failed"],
  ["nothing", undefined, "model/failed"],
])("%s", (_, thrown, code) => {
  expect(modelError(thrown, "m", now)).toMatchObject({ code, data: { model: "m" }, cause: thrown });
});

test("what the network said stands behind the words of an SDK that hides it", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" });
  const thrown = new APIConnectionError("Connection error.", {
    cause: new TypeError("fetch failed", { cause: refused }),
  });
  const reason = "Connection error. (connect ECONNREFUSED 127.0.0.1:1)";
  expect(modelError(thrown, "m", now).data.reason).toBe(reason);
  expect(modelError(refused, "m", now).data.reason).toBe("connect ECONNREFUSED 127.0.0.1:1");
  const both = new Error("no", { cause: Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" }) });
  expect(modelError(both, "m", now).data.reason).toBe("no (ECONNREFUSED)");
});

test("an error of ours stays itself", () => {
  const ours = new OrchestrationError("model/timeout", { model: "m", timeoutMs: 5 });
  expect(modelError(ours, "x", now)).toBe(ours);
});

test.each<[string, unknown, number | undefined]>([
  ["seconds", new Headers({ "retry-after": "2" }), 2_000],
  ["a part of a second", { "Retry-After": "0.5" }, 500],
  ["a number", { "retry-after": 3 }, 3_000],
  ["milliseconds", { "retry-after-ms": "250", "retry-after": "9" }, 250],
  ["milliseconds that say nothing", { "retry-after-ms": "", "retry-after": "9" }, 9_000],
  ["a date", { "retry-after": "Thu, 01 Jan 2026 00:00:30 GMT" }, 30_000],
  ["a date that is past", { "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" }, 0],
  ["a word", { "retry-after": "soon" }, undefined],
  ["nothing", { "retry-after": "" }, undefined],
  ["no headers", undefined, undefined],
])("`retry-after` as %s", (_, headers, retryAfterMs) => {
  expect(modelError(error({ status: 429, headers }), "m", now).data.retryAfterMs).toBe(retryAfterMs);
});

test("the network's word stands in the reason, where a client keeps it to itself", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { code: "ECONNREFUSED" });
  const told = (thrown: unknown) => modelError(thrown, "m", 0).data.reason;
  const hidden = Object.assign(new APIConnectionError("Connection error."), { cause: refused });
  expect(told(hidden)).toBe("Connection error. (connect ECONNREFUSED 127.0.0.1:9)");
  expect(told(refused)).toBe("connect ECONNREFUSED 127.0.0.1:9");
});

const known = { usage: { inputTokens: 5, outputTokens: 1 }, cost: { microUsd: 9, basis: "estimated" } } as const;

test.each<[string, unknown, object]>([
  ["a call that a limit of the provider's turned away", error({ status: 429 }), free],
  ["a key that is none", error({ status: 401 }), free],
  ["nobody at the address", new TypeError("fetch failed", { cause: error({ code: "ECONNREFUSED" }) }), free],
  ["a name that nobody has", error({ code: "ENOTFOUND" }), free],
  ["a limit in the middle of an answer", error({ status: 429, begun: true }), {}],
  ["a request that was looked at", error({ status: 400 }), {}],
  ["a server that failed", error({ status: 500 }), {}],
  ["a connection that broke", error({ code: "ECONNRESET", cause: error({ code: "ENOTFOUND" }) }), {}],
  ["a timeout", new OrchestrationError("model/timeout", { model: "m", timeoutMs: 5 }), {}],
  ["anything else", error({}), {}],
  ["a refused call whose client knows better", error({ status: 429, ...known }), known],
  ["a refused call whose client knows half", error({ status: 429, usage: known.usage }), { usage: known.usage }],
])("what is known of the cost of %s", (_, thrown, told) => {
  expect(toldBy(thrown)).toEqual(told);
});

test.each(["status", "headers", "code", "type", "name", "usage", "cost"])(
  "an error whose %s cannot be read has failed",
  (member) => {
    const broken = Object.defineProperty(new Error("said so"), member, {
      get: () => {
        throw new Error("not to be read");
      },
    });
    expect(modelError(broken, "m", now)).toMatchObject({
      code: "model/failed",
      data: { model: "m", reason: "said so" },
    });
    expect(toldBy(broken)).toEqual({});
  },
);
