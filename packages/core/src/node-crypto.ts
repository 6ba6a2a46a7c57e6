import { once } from "./once.ts";

/**
 * `node:crypto` for what an import of the package brings with it, loaded when it is first needed: that takes Node a
 * twentieth of such an import, and a program that only defines agents never needs it. Randomness comes from the global
 * `crypto` (Web Cryptography), which Node loads by itself in the same way.
 */
export const nodeCrypto: () => typeof import("node:crypto") = once(() => process.getBuiltinModule("node:crypto"));
