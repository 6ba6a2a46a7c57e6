import type { Cost, Usage } from "@remit/core";

/** What calls of one model cost. A model that has it can be quoted, and its answers carry their cost. */
export interface Pricing {
  /**
   * What a call can cost at most.
   * @param text characters of all that is sent, and the number of images, sounds and files beside them
   * @param maxOutputTokens tokens that the answer has at most
   */
  quote(
    text: { readonly chars: number; readonly media: number },
    maxOutputTokens: number,
  ): { readonly microUsd: number; readonly tokens: number };
  /** @param at epoch ms of the call: prices change, and some depend on the hour */
  cost(usage: Usage, at: number): Cost;
}
