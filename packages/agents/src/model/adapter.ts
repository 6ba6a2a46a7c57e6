/**
 * The entry `@remit/agents/adapter`: what the adapters here are made of, for adapters of your own. It knows no SDK.
 */
export { type Answer, withOutput } from "./answer.ts";
export { type AskTool, type CalledTool, callPart } from "./ask.ts";
export { uniqueIds } from "./call-id.ts";
export type { Pricing } from "./pricing.ts";
export {
  argumentsOf,
  bodySize,
  parseArguments,
  type Rendered,
  type RenderedContent,
  type RenderedPart,
  type RenderedResult,
  type RenderedSize,
  type RenderedTurn,
  renderRequest,
  schemaText,
} from "./render.ts";
export { cutError, filteredError, lateError, truncatedError, withUsage } from "./sdk-failure.ts";
