export { anthropicServer } from "./anthropic-server.ts";
export { type ModelFault, modelFaults } from "./model-fault.ts";
export type {
  DecodedCall,
  ModelServer,
  ModelServerOptions,
  ServedAnswer,
  ServedCall,
  ServedTurn,
} from "./model-server.ts";
export { openaiServer } from "./openai-server.ts";
