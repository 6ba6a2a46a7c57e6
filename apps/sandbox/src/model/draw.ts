import { createHash } from "node:crypto";

/** Numbers drawn from what they are about, not from a stream: the same question gets the same answer in any order. */
export function draw(...about: readonly (string | number)[]): {
  readonly unit: number;
  readonly below: (bound: number) => number;
} {
  const digest = createHash("sha256").update(about.join("\u0000")).digest();
  const unit = digest.readUIntBE(0, 6) / 2 ** 48;
  return { unit, below: (bound) => Math.floor((digest.readUIntBE(6, 6) / 2 ** 48) * bound) };
}
