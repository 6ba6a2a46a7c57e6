export { emailDetector, ipDetector, phoneDetector } from "./contact.ts";
export { type Around, around, type Judge, judging } from "./context.ts";
export { cardDetector, ibanDetector } from "./money.ts";
export { nationalIdDetector, usSsnDetector } from "./national.ts";
export { addressDetector, personDetector } from "./people.ts";
export { type SecretRules, secretRules } from "./rules-file.ts";
export { secretDetector } from "./secrets.ts";
export { allDetectors, personalData } from "./sets.ts";
