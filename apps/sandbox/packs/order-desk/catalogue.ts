import { addDays } from "../../src/world/calendar.ts";
import type { Random } from "../../src/world/random.ts";
import { put, type Table } from "../../src/world/table.ts";
import type { Category, Product, Variant } from "./state.ts";

/** What the shop sells: name, price in cents of the plainest variant, the options, and the terms for taking it back. */
type Entry = readonly [name: string, priceCents: number, options: string, terms?: Product["terms"]];

/** Options read `colour: oak, ash; size: S, L`. A second value of `size` costs a fifth more than the one before. */
const catalogue: { readonly [Key in Category]: readonly Entry[] } = {
  kitchen: [
    ["Tarn stovetop kettle", 4_490, "colour: slate, cream, moss"],
    ["Pebble pour-over set", 3_650, "colour: white, ink"],
    ["Orchard chopping board", 2_990, "wood: oak, walnut; size: S, L"],
    ["Bramble enamel pot", 5_400, "colour: rust, cream; size: 2l, 4l"],
    ["Larder storage jars", 2_450, "size: set of 3, set of 6"],
    ["Copperleaf milk pan", 6_900, "size: 1l, 2l"],
    ["Wicket bread bin", 4_990, "colour: sand, black"],
  ],
  lighting: [
    ["Fenlight desk lamp", 7_900, "colour: brass, black, sage"],
    ["Hollow paper pendant", 5_600, "size: 40 cm, 60 cm"],
    ["Marsh lantern", 3_900, "colour: tin, copper"],
    ["Dusk reading lamp", 11_900, "colour: brass, white"],
    ["Glowworm night light", 1_990, "colour: amber, blue"],
    ["Rookery wall lamp", 13_500, "colour: black, brass"],
    ["Candle row holder", 2_250, "wood: ash, walnut", "final_sale"],
  ],
  textiles: [
    ["Drover wool blanket", 8_900, "colour: heather, charcoal, oat; size: single, double"],
    ["Saltmarsh linen apron", 3_400, "colour: flax, indigo"],
    ["Thicket cushion", 2_900, "colour: moss, clay, ink"],
    ["Weir table runner", 2_650, "colour: flax, rust"],
    ["Cloudbank duvet", 14_900, "size: single, double"],
    ["Heath floor rug", 18_900, "colour: oat, moss; size: S, L"],
    ["Patchwork throw, last season", 4_500, "colour: mixed", "final_sale"],
  ],
  garden: [
    ["Spindle hand trowel", 1_850, "wood: ash, beech"],
    ["Rainbarrel watering can", 3_950, "colour: zinc, green; size: 5l, 9l"],
    ["Kestrel pruning shears", 4_300, "hand: right, left"],
    ["Beekeeper's bench", 22_900, "wood: larch, oak"],
    ["Trellis fan", 2_750, "size: 120 cm, 180 cm"],
    ["Terrace fire bowl", 15_900, "size: 50 cm, 70 cm"],
    ["Seed drawer cabinet", 9_800, "colour: sage, natural"],
  ],
  workshop: [
    ["Joiner's mallet", 3_200, "wood: beech, ash"],
    ["Foreman tool roll", 5_950, "colour: tan, black"],
    ["Plumb spirit level", 2_890, "size: 40 cm, 80 cm"],
    ["Anvil bookends", 4_150, "colour: iron, brass"],
    ["Cooper's work stool", 12_400, "wood: beech, oak"],
    ["Shaving horse clamp", 6_700, "size: S, L"],
    ["Whetstone pair, old boxes", 2_990, "grain: 1000/3000", "final_sale"],
  ],
  bath: [
    ["Birchwood back brush", 1_650, "handle: short, long", "hygiene"],
    ["Spring water soap set", 1_900, "scent: rosemary, plain", "hygiene"],
    ["Loofah and glove pair", 1_450, "colour: natural", "hygiene"],
    ["Cottongrass towel", 2_700, "colour: white, sea, clay; size: hand, bath"],
    ["Stillwater bath tray", 5_900, "wood: bamboo, walnut"],
  ],
};

/** The forty products, `P-101` and up. Stock and what is no longer sold come from the seed. */
export function stockCatalogue(random: Random, today: string): Table<Product> {
  const products: Table<Product> = {};
  let number = 101;
  for (const [category, entries] of Object.entries(catalogue) as [Category, readonly Entry[]][]) {
    for (const [name, priceCents, options, terms = "usual"] of entries) {
      const productId = `P-${number}`;
      const variants = combine(options).map((chosen) =>
        variant(random, { productId, priceCents, options, chosen, today }),
      );
      put(products, productId, {
        productId,
        name,
        category,
        terms,
        variants: Object.fromEntries(variants.map((one) => [one.sku, one])),
      });
      number += 1;
    }
  }
  return products;
}

type Options = { [option: string]: string };

function combine(options: string): readonly Options[] {
  return readOptions(options).reduce<readonly Options[]>(
    (all, [option, values]) => all.flatMap((chosen) => values.map((value) => ({ ...chosen, [option]: value }))),
    [{}],
  );
}

function readOptions(options: string): readonly (readonly [option: string, values: readonly string[]])[] {
  return options.split("; ").map((part) => {
    const [option = "", values = ""] = part.split(": ");
    return [option, values.split(", ")] as const;
  });
}

function variant(
  random: Random,
  from: {
    readonly productId: string;
    readonly priceCents: number;
    readonly options: string;
    readonly chosen: Options;
    readonly today: string;
  },
): Variant {
  const sizes = readOptions(from.options).find(([option]) => option === "size")?.[1] ?? [];
  const step = Math.max(0, sizes.indexOf(from.chosen.size ?? ""));
  const code = Object.values(from.chosen)
    .map((value) => value.toUpperCase().replaceAll(/[^A-Z0-9]/g, ""))
    .join("-");
  const soldOut = random.chance(0.14);
  return {
    sku: `${from.productId}-${code}`,
    options: from.chosen,
    priceCents: Math.round((from.priceCents * (1 + step / 5)) / 10) * 10,
    stock: soldOut ? 0 : random.between(2, 45),
    ...(soldOut && random.chance(0.6) ? { restockOn: addDays(from.today, random.between(4, 30)) } : {}),
    discontinued: !soldOut && random.chance(0.04),
  };
}
