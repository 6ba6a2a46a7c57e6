/** Whose live models there are. `compatible` is any server that speaks OpenAI's Chat Completions API. */
export const vendorNames = ["openai", "anthropic", "compatible"] as const;
export type VendorName = (typeof vendorNames)[number];

/** A live model as a person writes it: `openai:gpt-5-mini`. Names may hold colons themselves: `compatible:qwen3:8b`. */
export interface ModelReference {
  readonly vendor: VendorName;
  /** As the vendor spells it. */
  readonly name: string;
}

/** Nothing for what is no reference, or of no vendor that there is. */
export function referenceOf(text: string): ModelReference | undefined {
  const at = text.indexOf(":");
  const [vendor, name] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 0 || name.trim() === "" || !(vendorNames as readonly string[]).includes(vendor)) return undefined;
  return { vendor: vendor as VendorName, name };
}

export function referenceText({ vendor, name }: ModelReference): string {
  return `${vendor}:${name}`;
}

/** True for a server on this machine, whose calls nobody bills. */
export function isLoopback(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** True for the address of a server. */
export function isServerUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
