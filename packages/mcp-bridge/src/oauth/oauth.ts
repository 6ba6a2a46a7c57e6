import { McpError } from "../errors.ts";
import { memoryOAuthStore, type OAuthStore } from "./store.ts";

/**
 * How to authorise ourselves at servers that ask for it. Made by {@link oauth} or {@link clientCredentials}; one may
 * serve several connections, and what it gets is kept apart by server.
 *
 * O1 A token goes to the server it was made for (resource indicator) and nowhere else; a secret of a client goes to the
 *    issuer that it was first used at.
 * O2 No token, code or secret is in a log, an error or a status.
 * O3 Nobody is asked twice for what was refused after they agreed; a server that wants more and more gets an error.
 */
export interface OAuth {
  readonly kind: "oauth";
  readonly grant: AuthorizationCode | ClientCredentials;
  /** Asked for when the server names none. */
  readonly scopes: readonly string[] | undefined;
  readonly store: OAuthStore;
  /** Replaces every secret that was seen by its name. */
  readonly mask: (text: string) => string;
  /** Learns a secret. */
  readonly keep: (name: string, secret: string | undefined) => void;
  /** Of all connections to one server one authorises itself at a time; the others find what it got. */
  readonly inTurn: <Value>(server: string, work: () => Promise<Value>) => Promise<Value>;
}

export interface AuthorizationCode {
  readonly kind: "authorization-code";
  readonly redirectUrl: string;
  readonly client: OAuthClient;
  readonly openUrl: OpenUrl;
  /** How long a person may take. */
  readonly personMs: number;
}

export interface ClientCredentials {
  readonly kind: "client-credentials";
  readonly clientId: string;
  readonly secret:
    | { readonly kind: "secret"; readonly clientSecret: string }
    | { readonly kind: "key"; readonly privateKey: string; readonly algorithm: string };
  readonly issuer: string | undefined;
}

/** Who we are at the issuer: known to it by id, by a document that it can fetch, or introduced when we come. */
export type OAuthClient =
  | {
      readonly kind: "registered";
      readonly clientId: string;
      readonly clientSecret: string | undefined;
      readonly issuer: string | undefined;
    }
  | { readonly kind: "described"; readonly clientName: string; readonly clientMetadataUrl: string | undefined };

/**
 * Shows an address to a person and resolves with the address that they were sent back to, `redirectUrl` with its
 * parameters. Rejecting gives up. The signal aborts when nobody waits any more.
 */
export type OpenUrl = (url: URL, context: { readonly signal: AbortSignal }) => Promise<URL | string>;

export interface OAuthOptions {
  /** Where a person is sent back to; {@link loopbackRedirect} makes one for programs on the person's own machine. */
  readonly redirectUrl: string | URL;
  readonly openUrl: OpenUrl;
  /** Our name for people, where we are introduced (dynamic registration). */
  readonly clientName?: string;
  /** The https address of a document that describes us. Where an issuer takes none, we are introduced. */
  readonly clientMetadataUrl?: string;
  /** Where we are known already. */
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Who gave us `clientId`. When absent, the issuer at which it is first used. */
  readonly issuer?: string;
  readonly scopes?: readonly string[];
  /** In memory when absent: every start of the program asks the person again. */
  readonly store?: OAuthStore;
  /** How long a person may take; 300,000 ms when absent. Deadlines of connecting and of calls stand still meanwhile. */
  readonly personMs?: number;
}

/**
 * Authorisation by a person in a browser: OAuth 2.1, authorization code with PKCE. What a server asks for later (step-up)
 * is asked of the person again.
 * @throws McpError `mcp/config-invalid`
 */
export function oauth(options: OAuthOptions): OAuth {
  const { openUrl, clientName = "Remit", clientMetadataUrl, clientId, clientSecret, issuer, scopes } = options;
  const redirect = URL.parse(String(options.redirectUrl));
  if (!redirect) throw invalid("`redirectUrl` is a URL");
  const safe = redirect.protocol === "https:" || isLoopback(redirect) || !/^https?:$/.test(redirect.protocol);
  if (!safe) throw invalid("`redirectUrl` is on https, on this machine, or of a scheme of its own");
  if (clientMetadataUrl !== undefined && !/^https:\/\/[^/]+\/.+/.test(clientMetadataUrl)) {
    throw invalid("`clientMetadataUrl` is an https address with a path");
  }
  if (clientId === undefined && (clientSecret !== undefined || issuer !== undefined)) {
    throw invalid("`clientSecret` and `issuer` belong to a `clientId`");
  }
  const client: OAuthClient =
    clientId === undefined
      ? { kind: "described", clientName, clientMetadataUrl }
      : { kind: "registered", clientId, clientSecret, issuer };
  const { personMs = 300_000 } = options;
  const redirectUrl = String(options.redirectUrl);
  const made = create({ kind: "authorization-code", redirectUrl, client, openUrl, personMs }, scopes, options.store);
  made.keep("client secret", clientSecret);
  return made;
}

export interface ClientCredentialsOptions {
  readonly clientId: string;
  /** Either this or a key. */
  readonly clientSecret?: string;
  /** A private key in PEM (PKCS#8), with which we sign who we are. */
  readonly privateKey?: string;
  /** `ES256` when absent. */
  readonly algorithm?: string;
  readonly issuer?: string;
  readonly scopes?: readonly string[];
  readonly store?: OAuthStore;
}

/**
 * Authorisation without a person: OAuth 2.1, client credentials.
 * @throws McpError `mcp/config-invalid`
 */
export function clientCredentials(options: ClientCredentialsOptions): OAuth {
  const { clientId, clientSecret, privateKey, algorithm = "ES256", issuer, scopes, store } = options;
  if ((clientSecret === undefined) === (privateKey === undefined)) {
    throw invalid("client credentials are a `clientSecret` or a `privateKey`");
  }
  const secret =
    privateKey === undefined
      ? ({ kind: "secret", clientSecret: clientSecret ?? "" } as const)
      : ({ kind: "key", privateKey, algorithm } as const);
  const made = create({ kind: "client-credentials", clientId, secret, issuer }, scopes, store);
  made.keep("client secret", clientSecret);
  made.keep("private key", privateKey);
  return made;
}

/** More secrets than a program has at a time; the oldest are forgotten first. */
const secretsMax = 64;

function create(grant: OAuth["grant"], scopes: readonly string[] | undefined, store = memoryOAuthStore()): OAuth {
  const secrets = new Map<string, string>();
  const turns = new Map<string, Promise<unknown>>();
  return {
    kind: "oauth",
    grant,
    scopes: scopes && [...scopes],
    store,
    inTurn: (server, work) => {
      const turn = (turns.get(server) ?? Promise.resolve()).then(work);
      const over = turn.catch(() => {}); // Told to who asked for it.
      turns.set(server, over);
      void over.then(() => {
        if (turns.get(server) === over) turns.delete(server);
      });
      return turn;
    },
    mask: (text) => {
      let masked = text;
      for (const [secret, name] of secrets) masked = masked.replaceAll(secret, `[${name}]`);
      return masked;
    },
    keep: (name, secret) => {
      if (secret === undefined || secret.length < 4) return;
      secrets.delete(secret);
      secrets.set(secret, name);
      const [oldest] = secrets.keys();
      if (secrets.size > secretsMax && oldest !== undefined) secrets.delete(oldest);
    },
  };
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function invalid(reason: string): McpError {
  return new McpError("mcp/config-invalid", { server: "", reason });
}
