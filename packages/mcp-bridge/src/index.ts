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
export { type LoopbackOptions, type LoopbackRedirect, loopbackRedirect } from "./oauth/loopback.ts";
export {
  type ClientCredentialsOptions,
  clientCredentials,
  type OAuth,
  type OAuthOptions,
  type OpenUrl,
  oauth,
} from "./oauth/oauth.ts";
export { fileOAuthStore, memoryOAuthStore, type OAuthStore } from "./oauth/store.ts";
export { type McpCallContext, type McpCaller, type McpServing, type ServeMcpOptions, serveMcp } from "./serve.ts";
export type { McpReadConfig, McpToolConfig, McpToolConfigs, McpTools, McpWriteConfig } from "./tool-config.ts";
export {
  type HttpOptions,
  type HttpTransport,
  http,
  type McpProtocol,
  type McpTransport,
  type SseOptions,
  type StdioOptions,
  type StdioTransport,
  sse,
  stdio,
} from "./transport.ts";
