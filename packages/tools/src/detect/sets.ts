import type { Detector } from "@remit/core";
import { emailDetector, ipDetector, phoneDetector } from "./contact.ts";
import { cardDetector, ibanDetector } from "./money.ts";
import { nationalIdDetector, usSsnDetector } from "./national.ts";
import { secretDetector } from "./secrets.ts";

/** What rules find reliably: e-mail, card, IBAN, social security and other national numbers, IP and telephone. */
export function personalData(): readonly Detector[] {
  return [emailDetector, cardDetector, ibanDetector, usSsnDetector, nationalIdDetector, ipDetector, phoneDetector];
}

/** The same, and secrets: what the sandbox seals by. */
export function allDetectors(): readonly Detector[] {
  return [...personalData(), secretDetector()];
}
