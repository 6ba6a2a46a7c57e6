/**
 * A layered drawing of a directed graph, from top to bottom: cycles are broken, vertices put into layers, layers put
 * into an order with few crossings, and coordinates chosen so that lines run straight. Small graphs (some dozens of
 * boxes); pure, and the same input gives the same drawing.
 *
 * L1 Boxes and labels of one layer never overlap.
 * L2 Every link is a chain of points from its `from` to its `to`, also where it runs upwards.
 */
export interface Box {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface Link {
  readonly from: string;
  readonly to: string;
  /** Room for a text in the middle of the link. */
  readonly label?: { readonly width: number; readonly height: number };
}

/** Centre and size. */
export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Route {
  /** Pairs of points are straight pieces, between them run curves: x0 y0, x1 y1, … */
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly label: Placed | undefined;
  /** True where it leads back to a layer above. */
  readonly upwards: boolean;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, Placed>;
  /** One for each link, in their order. */
  readonly routes: readonly Route[];
}

const layerGap = 26;
const sideGap = 20;
const bendWidth = 10;
const sweeps = 24;

interface Vertex {
  readonly key: string;
  readonly kind: "box" | "label" | "bend";
  readonly width: number;
  readonly height: number;
  layer: number;
  x: number;
  y: number;
  readonly above: Vertex[];
  readonly below: Vertex[];
  /** The link that a label or a bend belongs to, from end to end. */
  thread: readonly Vertex[];
}

/** Draws the links that begin at `root` downwards. Links from a box to itself are not drawn and have no points. */
export function layered(boxes: readonly Box[], links: readonly Link[], root: string): Layout {
  const vertices = new Map<string, Vertex>();
  const add = (key: string, kind: Vertex["kind"], width: number, height: number): Vertex => {
    const vertex: Vertex = { key, kind, width, height, layer: 0, x: 0, y: 0, above: [], below: [], thread: [] };
    vertices.set(key, vertex);
    return vertex;
  };
  for (const { id, width, height } of boxes) add(`box ${id}`, "box", width, height);

  const back = backLinks(boxes, links, root);
  const chains = links.map((link, index): Vertex[] => {
    if (link.from === link.to) return [];
    const [upper, lower] = back.has(index) ? [link.to, link.from] : [link.from, link.to];
    const ends = [vertices.get(`box ${upper}`), vertices.get(`box ${lower}`)] as const;
    if (!ends[0] || !ends[1])
      throw new RangeError(`a link joins ${link.from} and ${link.to}, and one of them is no box`);
    const label = link.label && add(`label ${index}`, "label", link.label.width, link.label.height);
    return label ? [ends[0], label, ends[1]] : [ends[0], ends[1]];
  });

  rank([...vertices.values()], chains);
  const threads = chains.map((chain, index) =>
    chain.flatMap((vertex, place) => {
      const next = chain[place + 1];
      if (!next) return [vertex];
      const bends = Array.from({ length: next.layer - vertex.layer - 1 }, (_, step) => {
        const bend = add(`bend ${index} ${place} ${step}`, "bend", bendWidth, 0);
        bend.layer = vertex.layer + step + 1;
        return bend;
      });
      return [vertex, ...bends];
    }),
  );
  for (const thread of threads) {
    for (const [place, vertex] of thread.entries()) {
      const next = thread[place + 1];
      if (!next) continue;
      vertex.below.push(next);
      next.above.push(vertex);
      if (vertex.kind !== "box") vertex.thread = thread;
    }
  }
  const layers = ordered([...vertices.values()]);
  setX(layers);
  for (const thread of threads) straighten(thread, layers);
  setY(layers);
  return measured(layers, threads, links, back);
}

/** Links that would close a cycle on a walk from the root, by index. */
function backLinks(boxes: readonly Box[], links: readonly Link[], root: string): ReadonlySet<number> {
  const back = new Set<number>();
  const state = new Map<string, "open" | "done">();
  const visit = (id: string): void => {
    state.set(id, "open");
    for (const [index, { from, to }] of links.entries()) {
      if (from !== id || to === id) continue;
      if (state.get(to) === "open") back.add(index);
      else if (!state.has(to)) visit(to);
    }
    state.set(id, "done");
  };
  visit(root);
  for (const { id } of boxes) if (!state.has(id)) visit(id);
  return back;
}

/** Each vertex one layer below the lowest one above it. */
function rank(vertices: readonly Vertex[], chains: readonly (readonly Vertex[])[]): void {
  const pairs = chains.flatMap((chain) =>
    chain.slice(1).map((lower, place) => [chain[place] as Vertex, lower] as const),
  );
  // At most as many rounds as there are layers; the cycles are gone, so it comes to rest.
  for (let round = 0, moved = true; moved && round <= vertices.length; round++) {
    moved = false;
    for (const [upper, lower] of pairs) {
      if (lower.layer > upper.layer) continue;
      lower.layer = upper.layer + 1;
      moved = true;
    }
  }
}

/** Layers from top to bottom, each in an order with few crossings. */
function ordered(vertices: readonly Vertex[]): Vertex[][] {
  const depth = Math.max(...vertices.map(({ layer }) => layer)) + 1;
  const layers = Array.from({ length: depth }, (_, index) => vertices.filter(({ layer }) => layer === index));
  const place = new Map<Vertex, number>();
  const number = () => {
    for (const layer of layers) for (const [index, vertex] of layer.entries()) place.set(vertex, index);
  };
  number();
  let best = layers.map((layer) => [...layer]);
  let fewest = crossings(layers, place);
  for (let sweep = 0; sweep < sweeps && fewest > 0; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const wish = new Map(
        layer.map((vertex, index) => {
          const near = down ? vertex.above : vertex.below;
          return [vertex, near.length === 0 ? index : mean(near.map((one) => place.get(one) ?? 0))];
        }),
      );
      layer.sort((left, right) => (wish.get(left) ?? 0) - (wish.get(right) ?? 0));
      for (const [index, vertex] of layer.entries()) place.set(vertex, index);
    }
    const now = crossings(layers, place);
    if (now < fewest) {
      fewest = now;
      best = layers.map((layer) => [...layer]);
    }
  }
  return best;
}

function crossings(layers: readonly (readonly Vertex[])[], place: ReadonlyMap<Vertex, number>): number {
  let found = 0;
  for (const layer of layers) {
    const lines = layer.flatMap((vertex) =>
      vertex.below.map((next) => [place.get(vertex) ?? 0, place.get(next) ?? 0] as const),
    );
    for (const [index, [a, b]] of lines.entries()) {
      for (const [c, d] of lines.slice(index + 1)) if ((a - c) * (b - d) < 0) found++;
    }
  }
  return found;
}

/**
 * Pulls every vertex towards its neighbours, and keeps the order and the distances of its layer. Labels and bends are
 * pulled as whole links, each link towards its own mean, so that long ones run straight down.
 */
function setX(layers: readonly (readonly Vertex[])[]): void {
  for (const layer of layers) spread(layer, () => 0);
  for (let sweep = 0; sweep < 2 * sweeps; sweep++) {
    const isLast = sweep >= 2 * sweeps - 4;
    for (const layer of sweep % 2 === 0 ? layers : [...layers].reverse()) {
      spread(layer, (vertex) => {
        if (vertex.kind !== "box") return mean(vertex.thread.map(({ x }) => x));
        const near = isLast ? [...vertex.above, ...vertex.below] : sweep % 2 === 0 ? vertex.above : vertex.below;
        return near.length === 0 ? vertex.x : mean(near.map(({ x }) => x));
      });
    }
  }
}

/**
 * Puts a layer's vertices as near to their wishes as order and distances allow (least squares: wishes that are in each
 * other's way are pooled and share their mean).
 */
function spread(layer: readonly Vertex[], wish: (vertex: Vertex) => number): void {
  let shift = 0;
  const shifts: number[] = [];
  const pools: { sum: number; size: number }[] = [];
  for (const [index, vertex] of layer.entries()) {
    const before = layer[index - 1];
    if (before) shift += (before.width + vertex.width) / 2 + sideGap;
    shifts.push(shift);
    pools.push({ sum: wish(vertex) - shift, size: 1 });
    for (;;) {
      const last = pools.at(-1);
      const other = pools.at(-2);
      if (!last || !other || other.sum / other.size <= last.sum / last.size) break;
      pools.splice(-2, 2, { sum: other.sum + last.sum, size: other.size + last.size });
    }
  }
  let index = 0;
  for (const { sum, size } of pools) {
    for (let left = size; left > 0; left--, index++) {
      const vertex = layer[index];
      if (vertex) vertex.x = sum / size + (shifts[index] ?? 0);
    }
  }
}

/** Puts the bends of one link that follow each other above one another, where their neighbours leave room for that. */
function straighten(thread: readonly Vertex[], layers: readonly (readonly Vertex[])[]): void {
  const bends = thread.filter(({ kind }) => kind === "bend");
  let lowest = Number.NEGATIVE_INFINITY;
  let highest = Number.POSITIVE_INFINITY;
  for (const bend of bends) {
    const layer = layers[bend.layer] ?? [];
    const left = layer[layer.indexOf(bend) - 1];
    const right = layer[layer.indexOf(bend) + 1];
    if (left) lowest = Math.max(lowest, left.x + (left.width + bend.width) / 2 + sideGap);
    if (right) highest = Math.min(highest, right.x - (right.width + bend.width) / 2 - sideGap);
  }
  if (bends.length < 2 || lowest > highest) return;
  const x = Math.min(highest, Math.max(lowest, mean(bends.map((bend) => bend.x))));
  for (const bend of bends) bend.x = x;
}

function setY(layers: readonly (readonly Vertex[])[]): void {
  let top = 0;
  for (const layer of layers) {
    const height = Math.max(0, ...layer.map((vertex) => vertex.height));
    for (const vertex of layer) vertex.y = top + height / 2;
    top += height + layerGap;
  }
}

function measured(
  layers: readonly (readonly Vertex[])[],
  threads: readonly (readonly Vertex[])[],
  links: readonly Link[],
  back: ReadonlySet<number>,
): Layout {
  const all = layers.flat();
  const left = Math.min(...all.map(({ x, width }) => x - width / 2));
  const right = Math.max(...all.map(({ x, width }) => x + width / 2));
  const bottom = Math.max(...all.map(({ y, height }) => y + height / 2));
  for (const vertex of all) vertex.x -= left;
  const boxes = new Map(
    all
      .filter(({ kind }) => kind === "box")
      .map(({ key, x, y, width, height }) => [key.slice("box ".length), { x, y, width, height }]),
  );
  const routes = threads.map((thread, index): Route => {
    const points = thread.flatMap((vertex, place) => {
      const upper = thread[place - 1];
      const lower = thread[place + 1];
      const top = { x: upper ? port(vertex, vertex.above, upper) : vertex.x, y: vertex.y - vertex.height / 2 };
      const foot = { x: lower ? port(vertex, vertex.below, lower) : vertex.x, y: vertex.y + vertex.height / 2 };
      return [...(upper ? [top] : []), ...(lower ? [foot] : [])];
    });
    const label = thread.find(({ kind }) => kind === "label");
    return {
      points: back.has(index) ? points.reverse() : points,
      label: label && { x: label.x, y: label.y, width: label.width, height: label.height },
      upwards: back.has(index) && links[index] !== undefined,
    };
  });
  return { width: right - left, height: bottom, boxes, routes };
}

/** Where on its side a box is left or reached: lines are spread in the order of where they go. */
function port(vertex: Vertex, neighbours: readonly Vertex[], towards: Vertex): number {
  if (vertex.kind !== "box") return vertex.x;
  const sorted = [...neighbours].sort((one, other) => one.x - other.x);
  const step = Math.min(22, (vertex.width - 24) / Math.max(1, sorted.length));
  return vertex.x + (sorted.indexOf(towards) - (sorted.length - 1) / 2) * step;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
