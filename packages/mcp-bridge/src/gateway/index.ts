export { type GatewayOptions, type McpGateway, openGateway } from "./gateway.ts";
export { type GatewayClient, type GatewaySection, type GatewaySettings, settingsOf } from "./settings.ts";
