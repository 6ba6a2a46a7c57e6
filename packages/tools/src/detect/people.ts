import type { Detector } from "@remit/core";
import { judging } from "./context.ts";

/**
 * Names and postal addresses, as far as rules go: where the words around say that one comes. They miss what only a reader
 * would know, and are no part of `personalData`. Where names matter, schemas declare them.
 */

const given = "\\p{Lu}[\\p{L}'’.-]{0,30}";
const fullName = `${given}(?:[ ]${given}|[ ](?:de|del|della|di|da|van|von|der|den|bin|al|la|le|du)(?=[ ])){0,4}`;

export const personDetector: Detector = judging({
  name: "person",
  class: "person",
  hint: /name|\bm[rs]|miss|dr\b|prof|herr|frau|monsieur|se[ñn]or|\bi'?a?m\b|dear|hello|\bhi\b|regards|sincerely|cheers|signed|from|contact|customer|patient|speaking|:/,
  pattern: new RegExp(
    `(?<=\\b(?:[Nn]ame(?:d| is| was|:|'s)|called|Mrs?\\.?|Ms\\.?|Miss|Dr\\.?|Prof\\.?|Herrn?|Frau|Monsieur|Madame|Se[ñn]ora?|I am|I'm|[Tt]his is|Dear|Hello|Hi|Hey|[Rr]egards,?|[Ss]incerely,?|[Cc]heers,?|[Ss]igned|[Cc]ontact|[Cc]ustomer:?|[Pp]atient:?)[ \\n]{1,2})${fullName}`,
    "gu",
  ),
  longest: 120,
  judge: (found) =>
    /^(?:The|This|That|Your|Our|My|All|Team|Sir|Madam|I|You|We|It|There|Customer|Support)\b/.test(found)
      ? undefined
      : { confidence: 0.5 },
});

const road =
  "(?:[Ss]treet|[Ss]t\\.?|[Aa]venue|[Aa]ve\\.?|[Rr]oad|[Rr]d\\.?|[Bb]oulevard|[Bb]lvd\\.?|[Ll]ane|[Ll]n\\.?|[Dd]rive|[Dd]r\\.?|[Cc]ourt|[Cc]t\\.?|[Ww]ay|[Pp]lace|[Pp]l\\.?|[Ss]quare|[Tt]errace|[Hh]ighway|[Hh]wy\\.?|[Pp]arkway|[Cc]rescent|[Cc]lose)";

export const addressDetector: Detector = judging({
  name: "address",
  class: "address",
  hint: /\d/,
  pattern: new RegExp(
    `(?<![\\p{L}\\d])(?:\\d{1,6}[A-Za-z]?,? (?:[\\p{Lu}\\d][\\p{L}\\d'’.-]{0,30} ){1,5}${road}(?![\\p{L}])|(?:[\\p{Lu}][\\p{L}'’.-]{1,30} ){0,3}[\\p{Lu}][\\p{L}'’-]{0,30}(?:stra(?:ß|ss)e|str\\.|weg|gasse|platz|allee|ring|damm|ufer)[ ]\\d{1,5}[a-z]?(?![\\p{L}\\d])|P\\.? ?O\\.? Box \\d{1,7}|(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Cc]alle|[Vv]ia|[Rr]ua) (?:[\\p{L}'’.-]{1,30} ){0,4}[\\p{L}'’.-]{1,30},? \\d{1,5})(?:(?:,|\\n| )+(?:(?:[Ss]uite|[Aa]pt\\.?|[Uu]nit|[Ff]loor|#) ?[\\w-]{1,8}))?`,
    "gu",
  ),
  longest: 160,
  judge: () => ({ confidence: 0.5 }),
});
