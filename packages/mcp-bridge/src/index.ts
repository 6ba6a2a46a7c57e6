export type { AskingCall } from "./answering.ts";
export { artifactTool } from "./artifact-tool.ts";
export { type Artifact, type ArtifactStore, folderArtifacts, memoryArtifacts } from "./artifacts.ts";
export type { Authentication, McpAuthenticator, ProtectedResource } from "./auth/authenticator.ts";
export { type BearerToken, bearerTokens } from "./auth/bearer.ts";
export { clientOfClaims, type OAuthClaims, type OAuthResourceOptions, oauthResource } from "./auth/oauth-resource.ts";
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
export {
  defaultHttpServerLimits,
  type HttpServerLimits,
  type HttpServerOptions,
  type HttpServerTransport,
  httpServer,
} from "./http-server-options.ts";
export { type InspectedTool, inspectMcp, type McpInspection } from "./inspect.ts";
export { defaultMcpLimits, type McpLimits } from "./limits.ts";
export type { LookAlike } from "./look-alike.ts";
export type { McpArguments, McpLookup, McpMatch } from "./mapped.ts";
export type { McpClient, McpClientBudget } from "./mcp-client.ts";
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
export type {
  McpCompleteOptions,
  McpCompletion,
  McpPrompts,
  McpReadOptions,
  McpReads,
  McpReadsConfig,
  McpResources,
} from "./resources.ts";
export type { Askable, AskOptions, ClientAsks, InputRequired, Resumed, RoundLimits } from "./rounds.ts";
export { defaultRoundLimits, type McpServing, type ServeMcpOptions, serveMcp } from "./serve.ts";
export type { McpAuditEntry } from "./serve-app.ts";
export type {
  ServedAnnotations,
  ServedCallContext,
  ServedChange,
  ServedCompletions,
  ServedContent,
  ServedContents,
  ServedDefinition,
  ServedPrompt,
  ServedPromptResult,
  ServedPrompts,
  ServedRequestContext,
  ServedResource,
  ServedResources,
  ServedResourceTemplate,
  ServedResult,
  ServedTool,
} from "./served.ts";
export type { McpCallContext, McpCaller } from "./served-tool.ts";
export type { ServerFacts, ServerIdentity } from "./server-identity.ts";
export { type ConnectMcpServersOptions, connectMcpServers, type McpServerOptions, type McpServers } from "./servers.ts";
export type { Signal, SignalKind } from "./signals.ts";
export { type SupervisorToolOptions, supervisorTool } from "./supervisor-tool.ts";
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
export type { WireElicitation, WireElicitationAnswer, WireProgress } from "./wire/port.ts";
export { type ServedAsk, ServedError, type ServedLogLevel, type ServedPeer } from "./wire/serving.ts";
