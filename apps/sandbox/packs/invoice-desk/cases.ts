import { brokenCases } from "./cases/broken.ts";
import { cleanCases } from "./cases/clean.ts";
import { conductCases } from "./cases/conduct.ts";
import type { DeskCase } from "./cases/desk-case.ts";
import { paperCases } from "./cases/paper.ts";
import { tricks, wrongCases } from "./cases/wrong.ts";

/** In the order of their documents. New ones go to the end of their list, and lists to the end of this one. */
export const cases: readonly DeskCase[] = [
  ...cleanCases,
  ...brokenCases,
  ...wrongCases,
  ...conductCases,
  ...tricks,
  ...paperCases,
];
