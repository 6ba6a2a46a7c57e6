import type { Random } from "../../src/world/random.ts";
import type { Address, Language } from "./state.ts";

/** Made-up people and streets. Towns are real so that the languages look right; nobody lives at these addresses. */

/** `written`: as the customer writes it. `latin`: for the e-mail address, lower case ASCII. */
interface Name {
  readonly written: string;
  readonly latin: string;
}

interface Region {
  readonly language: Language;
  readonly country: string;
  readonly given: readonly string[];
  readonly family: readonly string[];
  readonly streets: readonly string[];
  /** Postcode and town. */
  readonly towns: readonly (readonly [postcode: string, town: string])[];
  readonly familyFirst?: true;
  readonly address: (street: string, number: number) => string;
}

/** `written|latin` where the two differ by more than accents. */
const regions: { readonly [Key in Language]: Region } = {
  en: {
    language: "en",
    country: "IE",
    given: "Aoife,Callum,Imogen,Jarlath,Maeve,Orla,Rhys,Tamsin,Wren,Fergus,Isla,Dermot".split(","),
    family:
      "Ashgrove,Brackenridge,Corrigane,Dunmarrow,Fennelly-Moss,Garrowby,Hollinsheath,Kilcastle,Larkwood,Penhallis".split(
        ",",
      ),
    streets: "Curlew Lane,Old Ropewalk,Saltpan Road,Windgate Terrace,Millrace Row,Heron Quay".split(","),
    towns: [
      ["T12 XE48", "Cork"],
      ["H91 KP07", "Galway"],
      ["D08 VN52", "Dublin"],
      ["V94 RA30", "Limerick"],
    ],
    address: (street, number) => `${number} ${street}`,
  },
  de: {
    language: "de",
    country: "DE",
    given: "Jördis,Hauke,Änne,Lüder,Mareike,Birte,Tjark,Veit,Friederike,Korbinian,Wiebke,Ottokar".split(","),
    family:
      "Grünwalder,Hasselbrink,Kösterhoff,Moosbacher,Ölschläger,Quandthof,Rübenkamp,Süßmilch,Tannhuber,Wöhlers".split(
        ",",
      ),
    streets: "Amselstieg,Am Gänsemoor,Lindenrain,Töpfergasse,Walkmühlenweg,Zum Alten Deich".split(","),
    towns: [
      ["23552", "Lübeck"],
      ["80331", "München"],
      ["04109", "Leipzig"],
      ["50667", "Köln"],
    ],
    address: (street, number) => `${street} ${number}`,
  },
  es: {
    language: "es",
    country: "ES",
    given: "Begoña,Íñigo,Nuria,Álvaro,Itziar,Ximena,Joaquín,Leocadia,Matías,Rocío,Zoraida,Evaristo".split(","),
    family: "Acebedo,Berrocal,Cañizares,Duránez,Echevarne,Fuentelsaz,Logroñés,Montalbán,Peñarrubia,Zubizar".split(","),
    streets: "Calle del Almendro,Calle Tejar Viejo,Plaza de la Noria,Avenida del Puerto Seco,Calle Alfareros".split(
      ",",
    ),
    towns: [
      ["41004", "Sevilla"],
      ["48003", "Bilbao"],
      ["46002", "Valencia"],
      ["15001", "A Coruña"],
    ],
    address: (street, number) => `${street}, ${number}`,
  },
  fr: {
    language: "fr",
    country: "FR",
    given: "Anaïs,Célestin,Éloïse,Gaëtan,Héloïse,Loïc,Maëlle,Noémie,Philibert,Solène,Thaïs,Yannig".split(","),
    family:
      "Beauchesne,Charpenel,Delorgerie,Fontvieux,Grandclerc,Lémeret,Montagnac,Pélissou,Rocheblave,Vauquelin".split(","),
    streets: "rue des Glycines,chemin du Lavoir,impasse des Tonneliers,rue du Vieux-Pressoir,quai aux Saules".split(
      ",",
    ),
    towns: [
      ["69001", "Lyon"],
      ["44000", "Nantes"],
      ["67000", "Strasbourg"],
      ["31000", "Toulouse"],
    ],
    address: (street, number) => `${number} ${street}`,
  },
  ja: {
    language: "ja",
    country: "JP",
    given:
      "紬|tsumugi,蒼太|souta,千歳|chitose,楓|kaede,凪|nagi,朔也|sakuya,澪|mio,悠真|yuma,小夜|sayo,鈴音|suzune".split(
        ",",
      ),
    family:
      "霧島|kirishima,柚木|yuzuki,朝比奈|asahina,白鳥沢|shiratorizawa,五百川|iokawa,月岡|tsukioka,若葉|wakaba,雪下|yukishita".split(
        ",",
      ),
    streets: "若草町,藤見台,水車通,鳴海町,柳ケ丘".split(","),
    towns: [
      ["604-8005", "京都市"],
      ["060-0061", "札幌市"],
      ["810-0041", "福岡市"],
      ["920-0853", "金沢市"],
    ],
    familyFirst: true,
    address: (street, number) => `${street}${(number % 6) + 1}丁目${number}番地`,
  },
};

export interface Person {
  readonly name: string;
  readonly latin: string;
  readonly language: Language;
  readonly address: Address;
}

export function inventPerson(random: Random, language: Language): Person {
  const region = regions[language];
  const given = readName(random.pick(region.given));
  const family = readName(random.pick(region.family));
  const inOrder = region.familyFirst ? [family, given] : [given, family];
  return {
    name: inOrder.map((part) => part.written).join(" "),
    latin: `${given.latin}.${family.latin}`,
    language,
    address: inventAddress(random, language),
  };
}

export function inventAddress(random: Random, language: Language): Address {
  const region = regions[language];
  const [postcode, city] = random.pick(region.towns);
  return {
    street: region.address(random.pick(region.streets), random.between(1, 88)),
    postcode,
    city,
    country: region.country,
  };
}

function readName(entry: string): Name {
  const [written = "", latin] = entry.split("|");
  return { written, latin: latin ?? plainLatin(written) };
}

function plainLatin(text: string): string {
  const plain = text.replaceAll(/[ÄÖÜäöü]/g, (letter) => `${letter}e`).replaceAll("ß", "ss");
  return plain
    .normalize("NFD")
    .replaceAll(/[^A-Za-z-]/g, "")
    .toLowerCase();
}
