import { randomUUID } from "node:crypto";
import {
  auth,
  computeScopeUnion,
  createPrivateKeyJwtAuth,
  extractWWWAuthenticateParams,
  isStrictScopeSuperset,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  validateAuthorizationResponseIssuer,
} from "@modelcontextprotocol/client";
import type { Clock } from "@remit/core";
import { unlessAborted } from "../deadline.ts";
import type { OAuth } from "../oauth/oauth.ts";
import type { HttpFetch } from "./http-fetch.ts";
import { WireError } from "./port.ts";

/**
 * Requests with a token. Where the server wants another one it is got, once for all requests that wait for it, and the
 * request is made again: who was refused has not been taken. The helpers of the SDK find the issuer, check it, and get
 * the token; whom to ask, what to keep and when to stop is decided here.
 */
export interface AuthOptions {
  readonly url: URL;
  readonly oauth: OAuth;
  readonly fetch: HttpFetch["fetch"];
  readonly clock: Clock;
  /** A person is waited for. */
  readonly person: (waiting: boolean) => void;
}

/** Times in a row that a server may want more for one request. */
const stepUpsMax = 2;

/** What is kept of one server. */
interface Kept {
  tokens?: StoredOAuthTokens;
  /** By issuer, or under nothing who it is that we are registered with. */
  clients?: Record<string, StoredOAuthClientInformation>;
  issuer?: string;
}

export function authFetch(options: AuthOptions): HttpFetch["fetch"] {
  const { url: serverUrl, oauth, fetch } = options;
  const key = `${serverUrl.origin}${serverUrl.pathname}`;
  /** Without a cause: what the helpers say of it may hold a secret. */
  const closed = (reason: string, scope?: string) =>
    new WireError({ kind: "unauthorised", reason: oauth.mask(reason), scope });
  let kept: Kept | undefined;
  let working: Promise<void> | undefined;
  /** Scopes that were granted once and did not suffice. */
  const vain = new Set<string>();

  const load = async (): Promise<Kept> => {
    if (kept) return kept;
    const text = await oauth.store.get(key);
    kept = text === undefined ? {} : (JSON.parse(text) as Kept);
    learn(kept.tokens);
    for (const client of Object.values(kept.clients ?? {})) learnClient(client);
    return kept;
  };
  const save = async (change: (kept: Kept) => void) => {
    const current = await load();
    change(current);
    await oauth.store.set(key, JSON.stringify(current));
  };
  const learn = (tokens: StoredOAuthTokens | undefined) => {
    oauth.keep("access token", tokens?.access_token);
    oauth.keep("refresh token", tokens?.refresh_token);
    oauth.keep("id token", tokens?.id_token);
  };
  const learnClient = (client: StoredOAuthClientInformation) => {
    oauth.keep("client secret", "client_secret" in client ? client.client_secret : undefined);
  };

  const authorise = async (response: Response, stepUp: boolean): Promise<void> => {
    const { resourceMetadataUrl, scope: wanted } = extractWWWAuthenticateParams(response);
    const { tokens } = await load();
    const scope = stepUp ? computeScopeUnion(tokens?.scope, wanted) : wanted;
    if (stepUp && vain.has(scope ?? "")) throw closed("it refuses what it asked for", wanted);
    if (stepUp) vain.add(scope ?? "");
    const flow = createFlow(options, { load, save, learn, learnClient });
    /** The helpers go on without what they could not reach; whoever reads the error wants to know of it. */
    let missed: string | undefined;
    const common = {
      serverUrl,
      fetchFn: (target: string | URL, init?: RequestInit) =>
        fetch(target, init).catch((thrown: unknown) => {
          if (thrown instanceof WireError && thrown.fault.kind === "unreachable") missed = thrown.fault.reason;
          throw thrown;
        }),
      ...(resourceMetadataUrl ? { resourceMetadataUrl } : {}),
      ...(scope === undefined ? {} : { scope }),
    };
    try {
      const forceReauthorization = stepUp && isStrictScopeSuperset(scope, tokens?.scope);
      if ((await auth(flow.provider, { ...common, forceReauthorization })) === "AUTHORIZED") return;
      const back = await flow.back();
      const iss = back.get("iss") ?? undefined;
      const code = back.get("code");
      if (code === null) {
        // Who says so is checked before what is said.
        const { issuer, authorization_response_iss_parameter_supported: told } = flow.metadata() ?? {};
        validateAuthorizationResponseIssuer({ iss, expectedIssuer: issuer, issParameterSupported: told === true });
        throw closed(`it was not granted: ${(back.get("error") ?? "no code came back").slice(0, 200)}`, scope);
      }
      oauth.keep("authorization code", code);
      const exchanged = await auth(flow.provider, {
        ...common,
        authorizationCode: code,
        ...(iss === undefined ? {} : { iss }),
      });
      if (exchanged !== "AUTHORIZED") throw closed("no token was given", scope);
    } catch (thrown) {
      if (thrown instanceof WireError) throw thrown;
      const reason = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
      throw closed(missed === undefined ? reason : `${missed}; ${reason}`, scope);
    }
  };

  /** One at a time; who comes later finds what the first one got. */
  const authoriseOnce = async (response: Response, stepUp: boolean, before: string | undefined): Promise<void> => {
    working ??= oauth
      .inTurn(key, async () => {
        kept = undefined; // Another connection, or another process, may have got one meanwhile.
        if ((await load()).tokens?.access_token === before) await authorise(response, stepUp);
      })
      .finally(() => {
        working = undefined;
      });
    return working;
  };

  return async (target, init = {}) => {
    if (new URL(target).origin !== serverUrl.origin) return fetch(target, init);
    let stepUps = 0;
    for (let renewed = false; ; ) {
      const token = (await load()).tokens?.access_token;
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
      const response = await fetch(target, { ...init, headers });
      const wanted = wants(response);
      if (wanted === "nothing") return response;
      if (wanted === "more" ? stepUps++ >= stepUpsMax : renewed) return response;
      if (wanted === "token") renewed = true;
      await response.text();
      const authorised = authoriseOnce(response, wanted === "more", token);
      await (init.signal ? unlessAborted(authorised, init.signal) : authorised);
    }
  };
}

function wants(response: Response): "nothing" | "token" | "more" {
  if (response.status === 401) return "token";
  if (response.status !== 403) return "nothing";
  return extractWWWAuthenticateParams(response).error === "insufficient_scope" ? "more" : "nothing";
}

interface Keeping {
  readonly load: () => Promise<Kept>;
  readonly save: (change: (kept: Kept) => void) => Promise<void>;
  readonly learn: (tokens: StoredOAuthTokens | undefined) => void;
  readonly learnClient: (client: StoredOAuthClientInformation) => void;
}

interface Flow {
  readonly provider: OAuthClientProvider;
  /** The parameters with which the person came back. */
  readonly back: () => Promise<URLSearchParams>;
  readonly metadata: () => OAuthDiscoveryState["authorizationServerMetadata"];
}

/** One authorisation. What is found on its way is kept for it alone, so that the next one looks anew. */
function createFlow({ oauth, clock, person }: AuthOptions, { load, save, learn, learnClient }: Keeping): Flow {
  const { grant } = oauth;
  let discovery: OAuthDiscoveryState | undefined;
  let verifier = "";
  let state = "";
  let opened: URL | undefined;
  const scope = oauth.scopes?.join(" ");
  const common = {
    tokens: async () => (await load()).tokens,
    saveTokens: async (tokens: StoredOAuthTokens) => {
      learn(tokens);
      await save((kept) => {
        kept.tokens = tokens;
        if (tokens.issuer !== undefined) kept.issuer ??= tokens.issuer;
      });
    },
    saveCodeVerifier: (value: string) => {
      verifier = value;
      oauth.keep("code verifier", value);
    },
    codeVerifier: () => verifier,
    discoveryState: () => discovery,
    saveDiscoveryState: (found: OAuthDiscoveryState) => {
      discovery = found;
    },
    invalidateCredentials: (what: "all" | "client" | "tokens" | "verifier" | "discovery") =>
      save((kept) => {
        if (what === "all" || what === "tokens") delete kept.tokens;
        if (what === "all" || what === "client") delete kept.clients;
      }),
  };
  /** Who is known by an id is known to one issuer: the one that was named, or the first it was used at. */
  const registered = (clientId: string, clientSecret: string | undefined, issuer: string | undefined) => async () => {
    const bound = issuer ?? (await load()).issuer;
    return {
      client_id: clientId,
      ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
      ...(bound === undefined ? {} : { issuer: bound }),
    };
  };
  const back = async (): Promise<URLSearchParams> => {
    if (grant.kind !== "authorization-code" || !opened) throw new Error("nobody was asked");
    const over = new AbortController();
    const timer = clock.at(clock.now() + grant.personMs, () => over.abort(new Error("nobody came back in time")));
    person(true);
    try {
      const url = new URL(await unlessAborted(grant.openUrl(opened, { signal: over.signal }), over.signal));
      if (url.searchParams.get("state") !== state) throw new Error("somebody else came back");
      return url.searchParams;
    } finally {
      timer.cancel();
      person(false);
    }
  };
  const metadata = () => discovery?.authorizationServerMetadata;

  if (grant.kind === "client-credentials") {
    const { clientId, secret, issuer } = grant;
    const clientSecret = secret.kind === "secret" ? secret.clientSecret : undefined;
    const provider: OAuthClientProvider = {
      ...common,
      redirectUrl: undefined,
      clientMetadata: {
        redirect_uris: [],
        grant_types: ["client_credentials"],
        token_endpoint_auth_method: secret.kind === "secret" ? "client_secret_basic" : "private_key_jwt",
        ...(scope === undefined ? {} : { scope }),
      },
      clientInformation: registered(clientId, clientSecret, issuer),
      redirectToAuthorization: () => {
        throw new Error("there is nobody to ask");
      },
      prepareTokenRequest: (wanted) =>
        new URLSearchParams({ grant_type: "client_credentials", ...(wanted ? { scope: wanted } : {}) }),
      ...(secret.kind === "key"
        ? {
            addClientAuthentication: createPrivateKeyJwtAuth({
              issuer: clientId,
              subject: clientId,
              privateKey: secret.privateKey,
              alg: secret.algorithm,
            }),
          }
        : {}),
    };
    return { provider, back, metadata };
  }

  const { client, redirectUrl } = grant;
  const provider: OAuthClientProvider = {
    ...common,
    redirectUrl,
    clientMetadata: {
      redirect_uris: [redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      ...(client.kind === "described" ? { client_name: client.clientName } : {}),
      ...(scope === undefined ? {} : { scope }),
    },
    state: () => {
      state = randomUUID();
      return state;
    },
    redirectToAuthorization: (url) => {
      opened = url;
    },
    ...(client.kind === "registered"
      ? { clientInformation: registered(client.clientId, client.clientSecret, client.issuer) }
      : {
          ...(client.clientMetadataUrl === undefined ? {} : { clientMetadataUrl: client.clientMetadataUrl }),
          clientInformation: async (context) => (await load()).clients?.[context?.issuer ?? ""],
          saveClientInformation: (found, context) => {
            learnClient(found);
            return save((kept) => {
              kept.clients = { ...kept.clients, [context?.issuer ?? ""]: found };
            });
          },
        }),
  };
  return { provider, back, metadata };
}
