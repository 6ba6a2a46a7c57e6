/** Entry `@remit/core/cedar`: policies in Cedar. Needs `@cedar-policy/cedar-wasm`. */
export { type CedarPolicyOptions, cedarPolicy } from "./policy/cedar.ts";
export { cedarSchemaOf } from "./policy/cedar-schema.ts";
