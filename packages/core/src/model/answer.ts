import { OrchestrationError } from "../errors.ts";
import { isWithinBytes, notJsonText, plainJson } from "../json.ts";
import type { ModelResponse } from "../port/model.ts";
import { issuesOf } from "../schema.ts";
import { response, usualShape } from "./response.ts";

/**
 * One look at an answer: shape, JSON, size. What comes out is a copy, which nobody outside holds.
 * @throws OrchestrationError `model/response-invalid`
 */
export function readAnswer(answer: unknown, model: string, payloadBytes: number): ModelResponse {
  const refuse = (reason: string) => new OrchestrationError("model/response-invalid", { model, reason });
  let shape = usualShape(answer);
  if (!shape) {
    const parsed = response().safeParse(answer);
    if (!parsed.success) {
      const [first] = issuesOf(parsed.error);
      throw refuse(`${first?.pointer || "/"}: ${first?.message ?? "invalid"}`);
    }
    shape = parsed.data;
  }
  const plain = plainJson(shape);
  if (!plain.ok) throw refuse(`${plain.fault.pointer || "/"}: ${notJsonText(plain.fault)}`);
  if (!isWithinBytes(plain.value, payloadBytes)) {
    const bytes = Buffer.byteLength(JSON.stringify(plain.value));
    throw refuse(`${bytes} bytes, more than the limit of ${payloadBytes}`);
  }
  return plain.value as unknown as ModelResponse;
}
