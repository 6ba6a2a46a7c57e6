import type { Detector } from "./detector.ts";

export const emails: Detector = {
  name: "emails",
  classes: ["email"],
  hint: /@/,
  longest: 80,
  detect: (text) =>
    [...text.matchAll(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g)].map(({ index, 0: found }) => ({
      class: "email",
      start: index,
      end: index + found.length,
      confidence: 1,
    })),
};
