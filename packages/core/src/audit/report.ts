import type { KeyText } from "../approval/signature.ts";
import type { EvidenceSeal } from "./evidence.ts";

export interface VerifyOptions {
  /** Whose signatures count; without one, signatures are not checked. */
  readonly keys?: readonly KeyText[];
  /** The tenant's secret; without it a payload is held to the seal alone, not to its address. */
  readonly tenantKey?: string;
}

export interface EvidenceReport {
  readonly ok: boolean;
  readonly run: string;
  /** Entries of the run that hold, and the hash of the last one. */
  readonly entries: number;
  readonly head: string;
  readonly completeness?: EvidenceSeal["completeness"];
  /** The first line of the file that is not what was written. */
  readonly fault?: {
    readonly line: number;
    /** The first bad entry, where one can be named. */
    readonly stream?: string;
    readonly seq?: number;
    readonly reason: string;
  };
  /** What was not checked, and why. */
  readonly notes: readonly string[];
}
