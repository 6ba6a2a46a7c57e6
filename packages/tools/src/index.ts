export { ArithmeticError, evaluate } from "./builtin/arithmetic.ts";
export { calculate } from "./builtin/calculate.ts";
export { currentTime } from "./builtin/current-time.ts";
export { describeTools } from "./describe-tools.ts";
export { type DescribedFunction, readFunction } from "./described-function.ts";
export { ToolsError, type ToolsErrorCode, toolsErrorCodes } from "./errors.ts";
export { type Invocation, invokeTool } from "./invoke.ts";
export { createSchemaReader, type JsonObject, type SchemaReader, schemaFromJson } from "./json-schema.ts";
export { createRegistry, type Registry } from "./registry.ts";
export { defaultSchemaLimits, type SchemaLimits } from "./schema-bounds.ts";
export {
  type CheckedSchema,
  createSchemaValidator,
  type SchemaValidator,
  type SchemaValidatorOptions,
} from "./schema-validator.ts";
export {
  type SchemaChange,
  type TranslatedSchema,
  type TranslateOptions,
  translateSchema,
} from "./translate-schema.ts";
