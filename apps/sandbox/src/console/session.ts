import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "@remit/core";

/**
 * Who may look: whoever was given an address with a token on the terminal. A token lets one browser in, once; from then on
 * a cookie does. The cookie is signed with a key that outlives the process, so that a page goes on after a restart.
 */
export interface Sessions {
  /** The token that lets the next browser in. */
  readonly token: () => string;
  /** Uses the token up, and gives the `Set-Cookie` for it; nothing for a wrong one, or one that was used. */
  readonly enter: (token: string) => string | undefined;
  /** True for the `Cookie` header of a browser that is in. */
  readonly holds: (cookies: string | undefined) => boolean;
}

/** How long a browser stays in. */
const staysMs = 12 * 60 * 60_000;

/** @param key hex, at least 32 bytes; of this state folder */
export function sessions({ key, clock }: { readonly key: string; readonly clock: Clock }): Sessions {
  const secret = Buffer.from(key, "hex");
  // Cookies know no ports: each state folder's console has a name of its own.
  const name = `remit_console_${signed("name").slice(0, 12)}`;
  let token = newToken();

  function signed(text: string): string {
    return createHmac("sha256", secret).update(text).digest("hex");
  }

  return {
    token: () => token,
    enter: (given) => {
      if (!isSame(given, token)) return undefined;
      token = newToken();
      const until = String(clock.now() + staysMs);
      const value = `${until}.${signed(`session ${until}`)}`;
      return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${staysMs / 1_000}`;
    },
    holds: (cookies = "") =>
      cookies.split(/;\s*/).some((pair) => {
        const equals = pair.indexOf("=");
        if (pair.slice(0, equals) !== name) return false;
        const [, until = "", signature = ""] = /^(\d{1,16})\.([0-9a-f]{64})$/.exec(pair.slice(equals + 1)) ?? [];
        if (until === "" || !isSame(signature, signed(`session ${until}`))) return false;
        return Number(until) > clock.now();
      }),
  };
}

function newToken(): string {
  return randomBytes(32).toString("base64url");
}

/** Compares in a time that tells nothing of where the texts differ. */
function isSame(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}
