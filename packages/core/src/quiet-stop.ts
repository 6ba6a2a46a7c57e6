/**
 * An `AbortController` for code that is not ours, tools and clients of models: what one of their listeners throws, or rejects
 * with, when they are stopped ends that listener, and not the process, as an event target would have it
 * (`uncaughtException`). Signals that are made of this one (`AbortSignal.any`) are not its own: what listens to those throws
 * as anywhere.
 * @param stray told what was thrown; must not throw
 */
export function quietController(stray?: (thrown: unknown) => void): AbortController {
  const controller = new AbortController();
  const signal = controller.signal as QuietSignal;
  // Members of its own, in place of a subclass: an AbortSignal cannot be made by one, and its prototype not be changed for less.
  signal.addEventListener = addQuietly;
  signal.removeEventListener = removeQuietly;
  if (stray) signal[strayOf] = stray;
  return controller;
}

const wrappers = Symbol("wrappers");
const strayOf = Symbol("stray");

type Added = Parameters<AbortSignal["addEventListener"]>;
type Removed = Parameters<AbortSignal["removeEventListener"]>;
type Told = (event: Event) => unknown;
type Listener = Told | { readonly handleEvent: Told };

interface QuietSignal extends AbortSignal {
  [wrappers]?: Map<Listener, Told>;
  [strayOf]?: (thrown: unknown) => void;
}

function addQuietly(this: QuietSignal, type: string, listener: unknown, options?: Added[2]): void {
  const told = type === "abort" && isListener(listener) ? wrapperOf(this, listener) : listener;
  AbortSignal.prototype.addEventListener.call(this, type, told as Added[1], options);
}

function removeQuietly(this: QuietSignal, type: string, listener: unknown, options?: Removed[2]): void {
  const told = type === "abort" ? (this[wrappers]?.get(listener as Listener) ?? listener) : listener;
  AbortSignal.prototype.removeEventListener.call(this, type, told as Removed[1], options);
}

/** What is none the event target refuses itself. */
function isListener(listener: unknown): listener is Listener {
  return typeof listener === "function" || (typeof listener === "object" && listener !== null);
}

/** One for each listener, so that adding it twice tells it once. */
function wrapperOf(signal: QuietSignal, listener: Listener): Told {
  signal[wrappers] ??= new Map();
  const known = signal[wrappers].get(listener);
  if (known) return known;
  const wrapper: Told = (event) => {
    const stray = (thrown: unknown) => signal[strayOf]?.(thrown);
    try {
      const said = typeof listener === "function" ? listener.call(signal, event) : listener.handleEvent(event);
      Promise.resolve(said).catch(stray);
    } catch (thrown) {
      stray(thrown);
    }
  };
  signal[wrappers].set(listener, wrapper);
  return wrapper;
}
