export {
  type AnyMcpConnection,
  type ConnectMcpOptions,
  connectMcp,
  type McpConnection,
  type McpStatus,
} from "./connect.ts";
export {
  changesBetween,
  type DefinitionChange,
  type McpDefinition,
  type PinnedDefinition,
  pinOf,
} from "./definition.ts";
export { McpError, type McpErrorCode, type McpErrorRecord, mcpErrorCodes } from "./errors.ts";
export { inspectMcp, type McpInspection } from "./inspect.ts";
export { defaultMcpLimits, type McpLimits } from "./limits.ts";
export type { CallMeta } from "./meta.ts";
export { type McpCallContext, type McpCaller, type McpServing, type ServeMcpOptions, serveMcp } from "./serve.ts";
export type { McpReadConfig, McpToolConfig, McpToolConfigs, McpTools, McpWriteConfig } from "./tool-config.ts";
export { type McpTransport, type StdioOptions, type StdioTransport, stdio } from "./transport.ts";
