export { artifactTool } from "./artifact-tool.ts";
export { type Artifact, type ArtifactStore, folderArtifacts, memoryArtifacts } from "./artifacts.ts";
export {
  type McpConfig,
  type McpServerConfig,
  parseMcpConfig,
  type ReadMcpConfigOptions,
  readMcpConfig,
} from "./config.ts";
export {
  type AnyMcpConnection,
  type ConnectMcpOptions,
  connectMcp,
  type McpConnection,
  type McpStatus,
} from "./connect.ts";
export { type ContentBlock, contentOf } from "./content.ts";
export {
  changesBetween,
  type DefinitionChange,
  type McpDefinition,
  type PinnedDefinition,
  pinOf,
} from "./definition.ts";
export { McpError, type McpErrorCode, type McpErrorRecord, mcpErrorCodes } from "./errors.ts";
export { type InspectedTool, inspectMcp, type McpInspection } from "./inspect.ts";
export { defaultMcpLimits, type McpLimits } from "./limits.ts";
export type { LookAlike } from "./look-alike.ts";
export type { CallMeta } from "./meta.ts";
export { createNameMap, exposedName, type NamedTool, type NameMap, type NamePolicy } from "./names.ts";
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
export { type PinFileOptions, pinFile } from "./pin-file.ts";
export {
  type Acceptance,
  accept,
  memoryPins,
  type PinDocument,
  type PinStore,
  type ServerPins,
  type Sighting,
} from "./pin-store.ts";
export type { ToolProposal } from "./proposal.ts";
export type { McpPrompts, McpReadOptions, McpReads, McpReadsConfig, McpResources } from "./resources.ts";
export { type McpCallContext, type McpCaller, type McpServing, type ServeMcpOptions, serveMcp } from "./serve.ts";
export type { ServerFacts, ServerIdentity } from "./server-identity.ts";
export { type ConnectMcpServersOptions, connectMcpServers, type McpServerOptions, type McpServers } from "./servers.ts";
export type { Signal, SignalKind } from "./signals.ts";
export type { McpReadConfig, McpToolConfig, McpToolConfigs, McpTools, McpWriteConfig } from "./tool-config.ts";
export { type SearchToolsOptions, searchTools, type ToolIndex, toolIndex } from "./tool-search.ts";
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
