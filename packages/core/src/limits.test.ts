import { describe, expect, test } from "vitest";
import { OrchestrationError } from "./errors.ts";
import { defaultLimits, type Limits, resolveLimits } from "./limits.ts";

function refusal(act: () => unknown): OrchestrationError {
  try {
    act();
  } catch (thrown) {
    if (OrchestrationError.is(thrown)) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

describe("limits", () => {
  test("every limit has a default that is a bound, and an override leaves the others", () => {
    expect(resolveLimits()).toEqual(defaultLimits);
    expect(resolveLimits(defaultLimits)).toEqual(defaultLimits);
    expect(resolveLimits({ steps: 3 })).toEqual({ ...defaultLimits, steps: 3 });
    expect(resolveLimits({ repairs: 0 }).repairs).toBe(0);
  });

  test.each(Object.keys(defaultLimits) as (keyof Limits)[])(
    "%s takes a positive whole number and nothing else",
    (limit) => {
      for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "3" as never, null as never]) {
        const error = refusal(() => resolveLimits({ [limit]: value }));
        expect(error.code).toBe("limits/not-a-bound");
        expect(error.data).toEqual({ limit, value: String(value) });
        expect(error.message).toContain(limit);
        expect(error.hint).not.toBe("");
      }
      if (limit !== "repairs") expect(refusal(() => resolveLimits({ [limit]: 0 })).code).toBe("limits/not-a-bound");
    },
  );

  test("an unknown limit is named", () => {
    for (const name of ["step", "toString", "__proto__x"]) {
      const error = refusal(() => resolveLimits({ [name]: 3 } as never));
      expect(error.code).toBe("limits/unknown");
      expect(error.message).toContain(name);
      // One that is not said at all is none either.
      expect(refusal(() => resolveLimits({ [name]: undefined } as never)).code).toBe("limits/unknown");
    }
  });
});
