import fc from "fast-check";
import { expect, test } from "vitest";
import { measured } from "./measure.ts";
import { createMask, unmasked } from "./text.ts";

test("a value takes as many bytes as it has when it is written, whatever its size and its signs", async () => {
  const signs = fc.string({ unit: "binary", maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ depthSize: "large" }), signs, fc.nat(9_000), async (value, sign, times) => {
      const whole = { value, sign, long: sign.repeat(times) };
      const { bytes } = await measured(whole, unmasked);
      expect(bytes).toBe(Buffer.byteLength(JSON.stringify(whole)));
    }),
  );
});

test("its media are counted, and a secret is found in a text and in a name", async () => {
  const medium = { $media: "image/png", data: "AAAA" };
  expect(await measured([medium, { more: medium }, { data: "AAAA" }], unmasked)).toMatchObject({ mediaBytes: 8 });
  const mask = createMask({ TOKEN: "s3cr3t-t0k3n" });
  expect((await measured({ a: ["no s3cr3t-t0k3n here"] }, mask)).secret).toBe(true);
  expect((await measured({ "s3cr3t-t0k3n": 1 }, mask)).secret).toBe(true);
  expect((await measured({ a: "s3cr3t" }, mask)).secret).toBe(false);
});

test("while a long value is measured everything else has its turn, and no depth is too deep", async () => {
  let turns = 0;
  let over = false;
  const count = () => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const { bytes } = await measured({ text: "\u0007".repeat(2 ** 20), list: Array(50_000).fill({}) }, unmasked);
  over = true;
  expect(bytes).toBe(6 * 2 ** 20 + 3 * 50_000 + 20);
  expect(turns).toBeGreaterThan(5);
  const deep = JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`);
  expect(await measured(deep, unmasked)).toMatchObject({ bytes: 40_000 });
});
