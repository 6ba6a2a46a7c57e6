import { expect, test } from "vitest";
import { retryAfterMsOf } from "./http-fetch.ts";

test("when to come again is said in seconds or as a date, at most an hour; what is neither says nothing", () => {
  const now = Date.UTC(2026, 0, 1);
  expect(retryAfterMsOf(undefined, now)).toBe(0);
  expect(retryAfterMsOf("7", now)).toBe(7_000);
  expect(retryAfterMsOf("Thu, 01 Jan 2026 00:00:30 GMT", now)).toBe(30_000);
  expect(retryAfterMsOf("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
  expect(retryAfterMsOf("86400", now)).toBe(3_600_000);
  expect(retryAfterMsOf("soon", now)).toBe(0);
});
