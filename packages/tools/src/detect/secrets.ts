import type { Detected, Detector } from "@remit/core";
import { creator as recommended } from "@secretlint/secretlint-rule-preset-recommend";

/**
 * Secrets: keys, tokens, passwords. Three looks, from the surest on: secretlint's recommended rules, forms that vendors give
 * their tokens, and what stands behind a name such as `api_key =`. The rules of secretlint are called one by one, because its
 * own engine answers with a promise, and nothing here may wait; each of them looks at once.
 */

/** Beginnings and forms that belong to tokens alone. */
const sure: readonly RegExp[] = [
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]{1,8000}?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g,
  /\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}\b/g,
  // Signed, in three parts; encrypted, in five.
  /\beyJ[\w-]{10,2000}\.(?:[\w-]{10,4000}|(?=\.))(?:\.[\w-]{10,4000}){0,3}/g,
  /\b(?:gh[pousr]_|github_pat_|gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|imt|ffct)-|xox[abeprs]-|xapp-|xwfp-|npm_|pypi-|hf_|api_org_|dop_v1_|doo_v1_|dor_v1_|shp(?:at|ca|pa|ss)_|lin_api_|ntn_|rubygems_|sgp_|sq0[a-z]{3}-|tfp_|hvs\.|hvb\.|dckr_pat_|dapi[0-9a-f]{3}|pul-|PMAK-|pnu_|pscale_(?:tkn|pw|oauth)_|rdme_|sbp_|sbv_|sntry[su]_|tk-us-|vc[pc]_|xkeysib-|xsmtpsib-|ops_|AGE-SECRET-KEY-1|FLWSECK|FLWPUBK|fio-u-|fo1_|fm[12]_|glsa_|glc_|HRKU-|ico-|NRAK-|NRII-|NRJS-|nvapi-|pplx-|pat-(?:na|eu)\d|phc_|phx_|r8_|rpa_|sess-|sk-(?:ant|proj|or|svcacct|lf)-|[sr]k_(?:live|test|prod)_|whsec_|ya29\.|AIza|GOCSPX-|p8e-|CLOJARS_|CFPAT-|EZ[AT]K|duffel_(?:test|live)_|dt0c01\.|dp\.pt\.|figd_|gsk_|xai-|ATATT3|ATCTT3|IQoJb3JpZ2lu|FwoGZXIvYXdz|AQoDYXdz|lsv2_|pnu_|shippo_(?:live|test)_|tskey-|v1\.0-|sb_secret_|bk[uc]a_|dp\.(?:st|ct|sa|scim|audit)\.|nfp_|wandb_v1_|rzp_(?:live|test)_|tvly-|y0_)[\w\-=.:+/]{12,300}/g,
  /\bSG\.[\w-]{16,32}\.[\w-]{20,64}/g,
  /\bhttps?:\/\/hooks\.[\w.-]{3,60}\/[\w/+-]{20,120}/g,
  /\b\d{8,10}:AA[\w-]{32,36}\b/g,
  /\b[a-zA-Z0-9]{14}\.atlasv1\.[a-zA-Z0-9\-_=]{60,70}/g,
  // Addresses that whoever has them may post to.
  /\bhttps?:\/\/(?:\w{1,20}\.)?discord(?:app)?\.com\/api\/webhooks\/\d{15,22}\/[\w-]{50,90}/g,
  /\bhttps?:\/\/[\w.-]{3,60}\.webhook\.office\.com\/[\w@/-]{60,300}/g,
  // Hashes of passwords.
  /\$(?:2[abxy]\$\d\d\$[\w./]{53}|(?:apr1|[156y])\$[\w./$=,]{20,140}|argon2(?:id|i|d)\$[\w./$=,+]{30,200})/g,
  /\baccess_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}/g,
  /\bpat[a-zA-Z0-9]{14}\.[0-9a-f]{64}\b/g,
  /(?<![\w.~-])[\w.~-]{3}\dQ~[\w.~-]{31,34}(?![\w.~-])/g,
  /\b[0-9a-f]{32}-us\d{1,2}\b/g,
  /\bPuTTY-User-Key-File-\d[\s\S]{1,6000}?Private-MAC: ?[0-9a-f]{20,64}/g,
  /\bmfa\.[\w-]{20,120}/g,
  /\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,38}\b/g,
];

/** The same between the underscores with which Markdown marks a word. */
const marked = sure.map(
  ({ source, flags }) =>
    new RegExp(source.replace(/^\\b/, "(?<![A-Za-z0-9]|[A-Za-z0-9]_)").replace(/\\b$/, "(?![A-Za-z0-9])"), flags),
);

/** Beginnings that other words have too: what follows has to look random. */
const likely =
  /\b(?:LTAI|AKID|AQVN|AKCp|ABSK|re_(?=[a-zA-Z0-9]{6,10}_)|fw_(?=[a-zA-Z0-9]{20})|sl\.(?:B|u\.)|cmVmdGtu|dG9rO|KEY0|key-|s\.|[spr]k[-_]|EAAA|EAA[MC]|A3-|1\/\/0|(?:SK|AC)(?=[0-9a-fA-F]{30})|mg[-_]|secret_|prefect|snyk)[\w\-=.:+/]{16,300}/g;

interface Inside {
  readonly pattern: RegExp;
  readonly group: number;
  /** Least entropy of the group; 0: anything but what people say in place of a password. */
  readonly least: number;
  /** What stands before it says nothing of a secret. */
  readonly isAnyName?: boolean;
}

/** What is quoted may be in quotes itself: a JSON text in a JSON text has `\\"`. */
const quote = "(?:\\\\{0,3}[\"'`])";

const passwordWords =
  "(?:(?<!com|by|sur|tres|over|under)pass(?:word|wd|phrase|code)?|pwd|kennwort|passwort|contrase[ñn]a|mot de passe|senha|hasło|wachtwoord|l[öo]senord|adgangskode|passord|salasana|heslo|parola|[şs]ifre|пароль|密[码碼]|パスワード|비밀번호)";

// What is said of a password needs no form at all.
const password: Inside = {
  pattern: new RegExp(
    `${passwordWords}${quote}?\\s{0,3}(?:is|ist|was|es|est|é|jest|=>|:=|[:=\uff1a>])\\s{0,3}(?:${quote}([^"'\`<>\\n\\\\]{4,120})(?=\\\\{0,3}["'\`])|${quote}?([^\\s"'\`<>]{4,120}))`,
    "giu",
  ),
  group: 1,
  least: 0,
};
/** Between the other parts of an address of a database it may have spaces. */
const passwordOfMany: Inside = {
  pattern: /;[ ]?(?:pwd|password)[ ]?=[ ]?([^;"'\n]{3,120})(?=;)/gi,
  group: 1,
  least: 0,
};
/** Behind the bare word, or with words between: it has to look like one. */
const passwordAside: Inside = {
  pattern: new RegExp(
    `${passwordWords}["'\`]?,?\\s{1,3}(?:(?:for|of|to|von|für|de|pour)\\s(?:[\\p{L}\\d]{1,20}\\s){0,3}?(?:(?:is|ist|es|est|to)\\s)?)?["'\`]?([^\\s"'\`<>]{6,120})`,
    "giu",
  ),
  group: 1,
  least: 2.2,
};

/** Forms that are a token only in part: the rest says whose it is. */
const inside: readonly Inside[] = [
  // A password in an address.
  { pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"']{0,80}:([^\s/"'<>]{3,120})@/gi, group: 1, least: 0 },
  // One given to a program.
  { pattern: /\s(?:-u|--user)[ =]["']?[^\s:"']{1,80}:([^\s"']{4,120})/g, group: 1, least: 0 },
  // A header.
  { pattern: /\b(?:bearer|basic|digest|token)\s+([\w\-.~+/]{16,2000}=*)/gi, group: 1, least: 3 },
  // A name that says so, or a long value behind any name.
  {
    pattern:
      /(?:key|secret|token|credential|auth|access|api|client|private|signing|encryption|webhook|session|cert|salt|pat|sid)s?[\w .-]{0,30}\\{0,3}["'`]?[ \t]{0,3}(?:=>|:{1,3}=|\?=|\|\||[=:>,])[ \t]{0,3}["'`=\\]{0,5}([\w\-./+=~:!%]{8,400})/gi,
    group: 1,
    least: 2.5,
  },
  {
    pattern:
      /[\w.-]{2,60}\\{0,3}["'`]?[ \t]{0,3}(?:=>|:{1,3}=|\?=|\|\||[=:>,])[ \t]{0,3}["'`=\\]{1,5}([\w\-./+=~]{20,200})\\{0,3}["'`]/gi,
    group: 1,
    least: 3.2,
    isAnyName: true,
  },
  {
    pattern: /\b[\w.-]{2,60}[ \t]{0,3}(?:=>|:{1,3}=|\?=|=)[ \t]{0,3}([\w\-./+=~]{20,200})/gi,
    group: 1,
    least: 3.4,
    isAnyName: true,
  },
];

const hint =
  /key|secret|token|pass|pwd|kennwort|contrase|mot de|senha|wachtwoord|senord|adgangskode|salasana|heslo|parola|ifre|has\u0142o|\u043f\u0430\u0440\u043e\u043b\u044c|\u5bc6[\u7801\u78bc]|\u30d1\u30b9\u30ef\u30fc\u30c9|\ube44\ubc00\ubc88\ud638|credential|auth|access|api|client|private|session|cert|salt|begin|bearer|basic|digest|eyj|:\/\/|[=:>,|][ \t]{0,3}["'`=\\]{0,5}[\w\-./+=~]{20}|(?<=(?<![a-z0-9])[a-z][a-z0-9]{0,11})[-_.][a-z0-9\-_.=:+/]{14}|\b(?:sk|ac)[0-9a-f]{30}|iqoj|fwog|aqod|akcp|absk|akid|aqvn|ltai|cmvmdg|cookie|dg9ro|pat[a-z0-9]{14}\.|[0-9a-f]-us\d|\$[256y][abxy]?\$|\$apr1\$|\$argon|\dq~[\w.~-]{31}|1\/\/0[\w-]{16}|\b\d{8,10}:aa|a[ksbcri][iacdo]a[a-z0-9]{12}|aiza|at[ac]tt3|eaa|ezak|ezat|hooks\.|dapi[0-9a-f]{3}|atlasv1|nrak|figd/;

/** As much of a rule of secretlint as is called here. */
interface Rule {
  readonly meta: { readonly id: string };
  readonly create: (context: object, options: object) => { readonly file?: (source: object) => unknown };
}

export function secretDetector(): Detector {
  let sink: Detected[] = [];
  const context = (id: string) => ({
    createTranslator: () => (messageId: string) => ({ message: messageId, messageId }),
    report: ({ range }: { readonly range: readonly [number, number] }) =>
      void sink.push({ class: "secret", start: range[0], end: range[1], confidence: 1 }),
    ignore: () => {},
    sharedOptions: {},
    id,
  });
  const made = (recommended.rules as readonly Rule[])
    // Comments that switch rules off are none of a model's business.
    .filter(({ meta }) => !meta.id.endsWith("-filter-comments"))
    .map(({ meta: { id }, create }) => ({ id, look: create(context(id), {}) }));
  const rules = made.map(({ look }) => look);
  // This one reads the text as the file of a service account, which most are not, and a failure to read is dear.
  const rulesButGcp = made.flatMap(({ id, look }) => (id.endsWith("-gcp") ? [] : [look]));
  return {
    name: "secret",
    classes: ["secret"],
    hint,
    longest: 400,
    detect: (text) => {
      const found: Detected[] = [];
      const put = ({ pattern, group, least, isAnyName = false }: Inside) => {
        for (const match of text.matchAll(pattern)) {
          const given = match[group] ?? match[group + 1] ?? "";
          // A sentence's own signs behind it are no part of it; behind a password in an address stands the address.
          const value = match[0].endsWith(given) ? given.replace(/[.,;:!]+$/, "") : given;
          if (least > 0 && !isRandom(value, least)) continue;
          if (least === 0 && isWord(value)) continue;
          const at = match.index + match[0].lastIndexOf(value);
          const name = text.slice(Math.max(0, at - 40), at);
          // A member's name in JSON, behind the value of the one before.
          if (least > 0 && /^\\{0,3}"\s{0,3}:/.test(text.slice(at + value.length, at + value.length + 8))) continue;
          if (isAnyName && (isPlain(value) || saysWhat.test(name))) continue;
          if (least > 0 && (saysOther.test(name) || nameOfId.test(value))) continue;
          found.push({ class: "secret", start: at, end: at + value.length, confidence: 0.7 });
        }
      };
      put(password);
      if (!mayHoldToken(text)) return found;
      put(passwordAside);
      put(passwordOfMany);
      sink = found;
      const source = { filePath: "/text", content: text, contentType: "text", ext: "" };
      for (const rule of text.includes("private_key") ? rules : rulesButGcp) {
        const pending: unknown = rule.file?.(source);
        // None of them waits; one that did would find too late, and must not be heard as nobody's rejection.
        if (pending instanceof Promise) pending.catch(() => {});
      }
      sink = [];
      for (const form of [...marked, likely]) {
        for (const { 0: match, index } of text.matchAll(form)) {
          if (form === likely && (!isRandom(match, 3) || isPlain(match))) continue;
          if (/^[a-z_.-]+$/i.test(match)) continue; // Words with dashes between them.
          found.push({ class: "secret", start: index, end: index + match.length, confidence: 0.95 });
        }
      }
      for (const form of inside) put(form);
      return found;
    },
  };
}

/** Names of what looks random and is none: `run_id`, `traceId`, `integrity`. */
const saysWhat =
  /(?:(?<![a-z])|(?<=[a-z])(?=I))(?:i|I)(?:d|ds|D)\W*$|(?:uuid|guid|hash|sha\d{0,3}|md5|digest|checksum|etag|commit|revision|integrity|model|campaign|class|className|filename|path|href|src)\W*$/;
/** Names that hold a word for a secret and say something else of it: `apiVersion`, `secretName`, `author`. */
const saysOther =
  /(?:version|name|type|count|size|length|limit|policy|board|(?<!pass)words?|file|path|url|uri|endpoint|host|region|(?<![a-z])authors?|(?<![a-z])accessor(?:y|ies)|idempotency[ _-]?key)\W*$/i;

/** What programs call an id, and no id: `incidentId`. */
const nameOfId = /^[a-z]{2,20}(?:[A-Z][a-z]{1,20}){0,3}Ids?$/;

const shortestToken = 7;
const shortestOfLetters = 16;

/**
 * False where no look but that for passwords can find anything, which is so of most sentences: all the others want an
 * address, or at least seven signs of a token in a row of which one is no small letter, or sixteen in a row.
 */
export function mayHoldToken(text: string): boolean {
  let length = 0;
  let isMixed = false;
  for (let index = 0; index < text.length; index++) {
    const sign = signs[text.charCodeAt(index)] ?? apart;
    if (sign === apart) {
      length = 0;
      isMixed = false;
      continue;
    }
    // A capital begins many a word, and a stop or a colon ends a sentence.
    if (sign === other || (sign === capital && length > 0)) isMixed = true;
    else if (sign === stop && (signs[text.charCodeAt(index + 1)] ?? apart) !== apart) isMixed = true;
    length++;
    if (length >= (isMixed ? shortestToken : shortestOfLetters)) return true;
  }
  return text.includes("://");
}

const apart = 0;
const small = 1;
const capital = 2;
const stop = 3;
const other = 4;
/** What each sign of ASCII is in a token. */
const signs: readonly number[] = Array.from({ length: 128 }, (_, code) => {
  const sign = String.fromCharCode(code);
  if (/[a-z]/.test(sign)) return small;
  if (/[A-Z]/.test(sign)) return capital;
  if (/[.:!]/.test(sign)) return stop;
  return /[\d_\-/+=~]/.test(sign) ? other : apart;
});

/** It has digits and letters, or both cases, and is no sentence. */
function isRandom(text: string, least: number): boolean {
  const mixed =
    (/\d/.test(text) && /[a-z]/i.test(text)) || (/[a-z]/.test(text.slice(1)) && /[A-Z]/.test(text.slice(1)));
  if (!mixed || /^(?:\/|(?:https?|file|urn|data):)/i.test(text) || /\d{4}-\d\d-\d\d|\.[a-z]{1,5}$/.test(text))
    return false;
  return entropyOf(text) >= least;
}

/** A UUID, which is what most things are called by; or words and numbers with signs between them. */
function isPlain(text: string): boolean {
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)) return true;
  // A name in a program, the id of a thing of a known kind.
  if (/^[a-z]{3,}(?:[A-Z][a-z]+){2,}[A-Z]{0,2}\d{0,4}$/.test(text)) return true;
  if (
    /^(?:cus|in|pi|ch|prod|price|sub|evt|req|toolu|call|msg|run|step|chatcmpl|resp|fc|thread|asst|pm|acct|txn)[_-]\w{8,40}$/.test(
      text,
    )
  )
    return true;
  const parts = text.split(/[-_./:]+/);
  return (
    parts.length > 2 &&
    parts.every((part) =>
      /^(?:[a-z]{2,14}|[A-Z]?[a-z]{1,14}|[A-Z]{2,10}|\d{1,4}|(?:19|20)\d{6}|[a-z]\d{1,3}[a-z]?|)$/.test(part),
    )
  );
}

/** What people say in place of a password: `is wrong`, `is required`. */
function isWord(text: string): boolean {
  return /^(?:\*+|x+|\.+|<.*>|\$\{.*\}|\[.*\]|not|the|a|an|and|or|of|in|to|too|your|my|his|her|their|our|wrong|required|incorrect|invalid|expired|reset|changed?|correct|weak|strong|missing|null|none|true|false|undefined|string|must|should|has|have|been|being|also|still|now|only|sent|set|stored|never|always|at|least|field|empty|hidden|redacted|forgotten|vergessen\??|case-sensitive|(?:must|should|your|enter|please|choose|confirm|repeat|type)\b.*|(?:process|import\.meta)\.env\..*|os\.(?:environ|getenv).*|\$\w+|%\w+%|\{\{.*)$/i.test(
    text,
  );
}

/** Shannon's entropy, in bits a character. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const sign of text) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
