import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SealOptions } from "@remit/core";
import { allDetectors } from "@remit/tools/detect";
import type { Pack } from "../pack.ts";

/**
 * How suites are sealed that ask for it: by all detectors, under a key that lies in the state folder for its owner alone.
 * Staff may see what they decide on. That is for development: whoever has the folder has the key, and with it the values. An operator keeps the key elsewhere.
 */
export function sandboxSealing(dir: string, pack: Pick<Pack, "seal">): SealOptions {
  return sealedUnder(keyIn(dir), pack);
}

/** The same under a key that is given. */
export function sealedUnder(key: string, { seal }: Pick<Pack, "seal">): SealOptions {
  return {
    vault: { key },
    seal: { detectors: allDetectors(), operators: { staff: ["*"] }, ...seal },
    answers: { reveals: ["*"] },
  };
}

export function keyFile(dir: string): string {
  return join(dir, "vault.key");
}

function keyIn(dir: string): string {
  const file = keyFile(dir);
  if (!existsSync(file)) {
    try {
      writeFileSync(file, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
    } catch (thrown) {
      // Another process made it at the same moment: its key is the one.
      if (!existsSync(file)) throw thrown;
    }
  }
  return readFileSync(file, "utf8").trim();
}
