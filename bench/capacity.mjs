// @ts-check
/**
 * What a cluster carries, by a simulation of its queues around the busiest hour of a day; nothing is started.
 *
 *   npm run bench:capacity                the table of docs/guides/scale.md, as Markdown
 *   npm run bench:capacity -- --json      all figures
 *
 * Four things have to be shared: the cluster's turns at storing and calling, a tenant's index (four objects, each of which
 * takes one change after the other), a run (one object, so one step after the other), and the places in the workers. What each takes is
 * measured, below; how they get in each other's way is what the simulation shows. It is the same with the same seed.
 */
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

/** Measured on loopback, three nodes and two workers on two cores; put your own in their place. */
export const measured = {
  /** One acknowledged step or one call between objects, alone. */
  stepMs: 3.3,
  /** Steps and calls at a time that the cluster has in hand before they wait: 1,500 a second at 3.3 ms each. */
  stepsAtATime: 5,
  /** Acknowledged steps of a run with five writes, two agents and an approval, at the most. */
  stepsOfRun: 16,
  /** Calls around it: to its front, of its object, and the last word, for each of two activations. The index comes on top. */
  callsOfRun: 6,
  /** Changes of the tenant's index: at work for a second, parked, at work again, ended. */
  indexChangesOfRun: 4,
  /** Objects of a tenant's index, by the runs' ids. */
  indexObjects: 4,
  /** State of a run with its record in the index, in KB. */
  stateKb: 18.25,
  /** Bytes of it are kept so often. */
  replicas: 2,
};

/** Assumed, not measured: how the work comes, and how long models and people take. */
export const assumed = {
  runsADay: 2_000,
  /** Share of a day's runs in each hour; an office's day with its peak before noon. */
  hours: [1, 1, 1, 1, 1, 2, 3, 5, 8, 10, 11, 10, 8, 8, 8, 7, 5, 4, 3, 2, 2, 1, 1, 1],
  /** Of all runs, those of the largest tenant; the others are twenty of a size. */
  largestTenant: 0.5,
  /** Models and tools of a run before its approval and behind it, each. */
  callsOut: 6,
  callOutMsMean: 1_500,
  /** How long an approval is waited for. */
  parkedMsMean: 3_600_000,
  workers: 2,
  /** Runs at a time in one worker: `driving`. */
  driving: 256,
  daysKept: 30,
};

const hourMs = 3_600_000;

/** @param {number} seed numbers from 0 to 1, the same for the same seed (mulberry32) */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * What happens next, earliest first; of one time, first come first.
 * @returns {{ add: (at: number, act: (at: number) => void) => void, next: () => { at: number, act: (at: number) => void } | undefined }}
 */
function agenda() {
  /** @type {{ at: number, order: number, act: (at: number) => void }[]} */
  const heap = [];
  let order = 0;
  const isBefore = (/** @type {number} */ left, /** @type {number} */ right) => {
    const [one, other] = [heap[left], heap[right]];
    if (!one || !other) return false;
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  };
  const swap = (/** @type {number} */ left, /** @type {number} */ right) => {
    const kept = heap[left];
    heap[left] = /** @type {typeof heap[0]} */ (heap[right]);
    heap[right] = /** @type {typeof heap[0]} */ (kept);
  };
  return {
    add: (at, act) => {
      heap.push({ at, order: order++, act });
      for (let child = heap.length - 1; child > 0; ) {
        const parent = (child - 1) >> 1;
        if (!isBefore(child, parent)) break;
        swap(child, parent);
        child = parent;
      }
    },
    next: () => {
      const first = heap[0];
      const last = heap.pop();
      if (!first || !last || first === last) return first;
      heap[0] = last;
      for (let parent = 0; ; ) {
        const [left, right] = [parent * 2 + 1, parent * 2 + 2];
        const least = isBefore(right, left) ? right : left;
        if (!isBefore(least, parent)) break;
        swap(least, parent);
        parent = least;
      }
      return first;
    },
  };
}

/** Places that are given one by one, first come first; `busyMs` adds up how long they were taken. @param {number} places */
function station(places) {
  /** @type {((at: number) => void)[]} */
  const waiting = [];
  let head = 0;
  let taken = 0;
  let since = 0;
  const self = {
    busyMs: 0,
    waitingMost: 0,
    /** @param {number} at */
    count: (at) => {
      self.busyMs += taken * (at - since);
      since = at;
    },
    /** @param {number} at @param {(at: number) => void} act */
    enter: (at, act) => {
      self.count(at);
      if (taken < places) {
        taken++;
        act(at);
      } else {
        waiting.push(act);
        self.waitingMost = Math.max(self.waitingMost, waiting.length - head);
      }
    },
    /** @param {number} at */
    leave: (at) => {
      self.count(at);
      const next = waiting[head];
      if (next) {
        head++;
        next(at);
      } else taken--;
    },
  };
  return self;
}

/**
 * @typedef {object} Plant what one has, where it is not as measured and assumed
 * @property {number} [workers]
 * @property {number} [stepsAtATime]
 */

/**
 * One day's busiest minutes at a multiple of the runs.
 * @param {number} times
 * @param {Plant & { seed?: number, windowMs?: number, warmMs?: number }} [options]
 */
export function simulate(times, options = {}) {
  // Few runs need longer to be typical, many show it soon.
  const { seed = 1, windowMs = times < 500 ? 600_000 : 90_000, warmMs = 60_000 } = options;
  const { workers = assumed.workers, stepsAtATime = measured.stepsAtATime } = options;
  const random = randomOf(seed);
  const exponential = (/** @type {number} */ mean) => -mean * Math.log(1 - random());
  const { hours, callsOut, callOutMsMean, driving, largestTenant, parkedMsMean } = assumed;
  const { stepMs, stepsOfRun, callsOfRun, indexChangesOfRun, indexObjects } = measured;
  const runsADay = assumed.runsADay * times;
  const shares = hours.reduce((sum, share) => sum + share, 0);
  const peakHour = hours.indexOf(Math.max(...hours));
  const from = peakHour * hourMs + hourMs / 2;
  const to = from + windowMs;

  const cluster = station(stepsAtATime);
  const places = station(workers * driving);
  const indexes = Array.from({ length: 21 * indexObjects }, () => station(1));
  const plan = agenda();
  let steps = 0;
  let changes = 0;
  /** How much longer an activation took than it would have alone, ms. @type {number[]} */
  const delays = [];

  /** @param {number} at @param {(at: number) => void} then */
  const step = (at, then) => {
    cluster.enter(at, (begun) => {
      plan.add(begun + stepMs * (0.7 + 0.6 * random()), (ended) => {
        if (ended >= from && ended < to) steps++;
        cluster.leave(ended);
        then(ended);
      });
    });
  };
  /** @param {number} object @param {number} at @param {(at: number) => void} then */
  const change = (object, at, then) => {
    const index = /** @type {ReturnType<typeof station>} */ (indexes[object]);
    index.enter(at, (begun) => {
      step(begun, (ended) => {
        if (ended >= from && ended < to) changes++;
        index.leave(ended);
        then(ended);
      });
    });
  };
  /** One half of a run, from the event that begins it until it waits or ends. @param {number} object of the index @param {0 | 1} half */
  const activation = (object, half) => {
    /** @type {("step" | "index" | "out")[]} */
    const todo = ["step", "index"];
    const own = Math.round((stepsOfRun + callsOfRun) / 2) - 2;
    for (let index = 0; index < Math.max(own, callsOut); index++) {
      if (index < own) todo.push("step");
      if (index < callsOut) todo.push("out");
    }
    todo.push("index", "step");
    if (half === 1 && indexChangesOfRun % 2 === 1) todo.push("index");
    return (/** @type {number} */ at) => {
      let alone = 0;
      const go = (/** @type {number} */ now) => {
        const what = todo.shift();
        if (what === undefined) {
          places.leave(now);
          if (now >= from) delays.push(now - at - alone);
          return;
        }
        if (what === "out") {
          const takesMs = exponential(callOutMsMean);
          alone += takesMs;
          plan.add(now + takesMs, go);
          return;
        }
        alone += stepMs;
        if (what === "index") change(object, now, go);
        else step(now, go);
      };
      places.enter(at, go);
    };
  };
  // All of the day's runs are drawn; those parts of them that fall into the window are played.
  for (const [hour, share] of hours.entries()) {
    const count = Math.round((runsADay * share) / shares);
    for (let run = 0; run < count; run++) {
      const startsAt = (hour + random()) * hourMs;
      const tenant = random() < largestTenant ? 0 : 1 + Math.floor(random() * 20);
      const object = tenant * indexObjects + Math.floor(random() * indexObjects);
      const wakesAt = startsAt + callsOut * callOutMsMean + exponential(parkedMsMean);
      for (const [half, at] of /** @type {const} */ ([
        [0, startsAt],
        [1, wakesAt],
      ])) {
        if (at >= from - warmMs && at < to) plan.add(at, activation(object, half));
      }
    }
  }
  const all = [cluster, places, ...indexes];
  let isWarm = false;
  for (let next = plan.next(); next && next.at < to; next = plan.next()) {
    if (!isWarm && next.at >= from) {
      isWarm = true;
      for (const one of all) {
        one.count(from);
        one.busyMs = 0;
      }
    }
    next.act(next.at);
  }
  for (const one of all) one.count(to);
  delays.sort((left, right) => left - right);
  const seconds = windowMs / 1_000;
  const use = {
    steps: cluster.busyMs / windowMs / stepsAtATime,
    index: indexes.slice(0, indexObjects).reduce((sum, { busyMs }) => sum + busyMs, 0) / windowMs / indexObjects,
    places: places.busyMs / windowMs / (workers * driving),
  };
  return {
    times,
    runsADay,
    stepsASecond: steps / seconds,
    changesASecond: changes / seconds,
    use,
    delayMs: {
      p50: delays[Math.floor(delays.length * 0.5)] ?? Number.NaN,
      p99: delays[Math.floor(delays.length * 0.99)] ?? Number.NaN,
    },
    waitingMost: Math.max(...all.map(({ waitingMost }) => waitingMost)),
  };
}

/**
 * The same by arithmetic alone: what the queues are asked for in the busiest hour.
 * @param {number} times @param {Plant} [plant]
 */
export function onPaper(times, { workers = assumed.workers, stepsAtATime = measured.stepsAtATime } = {}) {
  const { hours, driving, largestTenant, callsOut, callOutMsMean, daysKept } = assumed;
  const { stepMs, stepsOfRun, callsOfRun, indexChangesOfRun, indexObjects, stateKb, replicas } = measured;
  const runsADay = assumed.runsADay * times;
  const peakShare = Math.max(...hours) / hours.reduce((sum, share) => sum + share, 0);
  const runsASecond = (runsADay * peakShare) / 3_600;
  const stepsOfAll = stepsOfRun + callsOfRun + indexChangesOfRun;
  const activeMs = 2 * callsOut * callOutMsMean + stepsOfAll * stepMs;
  return {
    runsADay,
    runsASecond,
    stepsADay: (runsADay * stepsOfAll) / 86_400,
    stepsASecond: runsASecond * stepsOfAll,
    use: {
      steps: (runsASecond * stepsOfAll * stepMs) / 1_000 / stepsAtATime,
      index: (runsASecond * largestTenant * indexChangesOfRun * stepMs) / 1_000 / indexObjects,
      places: (runsASecond * activeMs) / 1_000 / (workers * driving),
    },
    stateGb: (runsADay * daysKept * stateKb * replicas) / 1_000_000,
  };
}

const names = {
  steps: "steps of the cluster: more cores, more nodes",
  index: "the largest tenant's index: more tenants or namespaces",
  places: "places in the workers: more workers, or a larger `driving`",
};
/** @type {readonly { readonly times: number, readonly plant: Plant, readonly with: string }[]} */
export const scales = [
  { times: 10, plant: {}, with: "" },
  { times: 100, plant: {}, with: "" },
  { times: 1_000, plant: {}, with: "" },
  { times: 1_000, plant: { workers: 6 }, with: ", six workers" },
  { times: 1_000, plant: { workers: 6, stepsAtATime: 10 }, with: ", six workers, twice the cores" },
];

/** @param {number} number */
const short = (number) => (number >= 100 ? Math.round(number / 10) * 10 : Math.round(number)).toLocaleString("en");
/** @param {number} share */
const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`;
/** @param {number} ms */
const duration = (ms) => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);
/** @param {number} gigabytes */
const volume = (gigabytes) =>
  gigabytes >= 1_000 ? `${(gigabytes / 1_000).toFixed(1)} TB` : `${Math.round(gigabytes)} GB`;

/** What is used up first, and at which multiple of the runs. */
export function firstOf() {
  const { use } = onPaper(1);
  const all = Object.entries(use).map(([name, share]) => ({ name, times: 1 / share }));
  all.sort((left, right) => left.times - right.times);
  return all;
}

/** The table of the guide. */
export function capacityTable() {
  const rows = scales.map(({ times, plant, with: text }) => {
    const { use, stepsASecond, delayMs } = simulate(times, plant);
    const { runsADay, use: asked, stateGb } = onPaper(times, plant);
    const isOver = Object.values(asked).some((share) => share >= 1);
    const cells = [
      `${times.toLocaleString("en")} ×${text}`,
      runsADay.toLocaleString("en"),
      short(stepsASecond),
      ...[use.steps, use.index, use.places].map(percent),
      isOver ? "grows without end" : `${duration(delayMs.p50)}, ${duration(delayMs.p99)}`,
      volume(stateGb),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const limits = firstOf().map(
    ({ name, times }, index) => `${index + 1}. at ${short(times)} × ${names[/** @type {keyof typeof names} */ (name)]}`,
  );
  return [
    "| | runs a day | steps a second | cluster | index | workers | waits, p50, p99 | state |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
    "What gives first when the runs go on growing, in this order:",
    "",
    ...limits,
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({ options: { json: { type: "boolean" } } });
  if (values.json) {
    const all = scales.map(({ times, plant }) => ({ paper: onPaper(times, plant), played: simulate(times, plant) }));
    console.log(JSON.stringify(all));
  } else console.log(capacityTable());
}
