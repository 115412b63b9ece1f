/**
 * What the page shows, and how that is written in its address: `?photo=sha256:...` or `?item=ID`, then filters as the
 * HTTP interface writes them (`color=Red&color=Blue&price_gte=10&source=merchant`), then `engine=cnn`. Knows nothing of
 * the page's elements.
 *
 * State: {photo: string|null, item: string|null, values: {attribute: [string]}, ranges: {attribute: {gte?, lte?}},
 *         source: "either"|"merchant"|"predicted", engine: string|null}; `engine` null is the first there is.
 */

const BOUNDS = ["gte", "lte", "gt", "lt"];
const NUMERIC = ["number", "integer"];

const EITHER = "either";
const SOURCES = [EITHER, "merchant", "predicted"];

// A feed may have a column of its own called "photo" or "source"; in the address it is then written "~photo".
const RESERVED = ["photo", "item", "source", "engine"];
const escapeName = (name) => (RESERVED.includes(name.replace(/^~+/, "")) ? `~${name}` : name);
const unescapeName = (name) => (RESERVED.includes(name.replace(/^~+/, "")) ? name.slice(1) : name);

/** A state that shows the whole catalogue. */
export function emptyState() {
  return { photo: null, item: null, values: {}, ranges: {}, source: EITHER, engine: null };
}

/**
 * The state an address stands for. `attributes` is the catalogue's {name: kind}; parameters that name none of them
 * (a newsletter's `utm_source`) are left alone rather than refused, because links get decorated on their way. So is an
 * engine that is none of `engines`.
 */
export function readState(search, attributes, engines) {
  const parameters = new URLSearchParams(search);
  const state = emptyState();
  state.photo = parameters.get("photo") || null;
  state.item = state.photo ? null : parameters.get("item") || null;
  if (SOURCES.includes(parameters.get("source"))) state.source = parameters.get("source");
  if (engines.indexOf(parameters.get("engine")) > 0) state.engine = parameters.get("engine");
  for (const [written, value] of parameters) {
    if (RESERVED.includes(written) || value === "") continue;
    const name = unescapeName(written);
    if (Object.hasOwn(attributes, name)) {
      const values = (state.values[name] ??= []);
      if (!values.includes(value)) values.push(value);
      continue;
    }
    const cut = name.lastIndexOf("_");
    const [stem, bound] = [name.slice(0, cut), name.slice(cut + 1)];
    if (BOUNDS.includes(bound) && Object.hasOwn(attributes, stem) && NUMERIC.includes(attributes[stem])) {
      (state.ranges[stem] ??= {})[bound] = value;
    }
  }
  return state;
}

/** The query string of a state, "" for the empty one; two equal states give equal strings. */
export function writeState(state) {
  const parameters = new URLSearchParams();
  if (state.photo) parameters.append("photo", state.photo);
  else if (state.item) parameters.append("item", state.item);
  for (const name of Object.keys(state.values).sort()) {
    for (const value of [...state.values[name]].sort()) parameters.append(escapeName(name), value);
  }
  for (const name of Object.keys(state.ranges).sort()) {
    for (const bound of BOUNDS) {
      const value = state.ranges[name][bound];
      if (value) parameters.append(escapeName(`${name}_${bound}`), value);
    }
  }
  if (state.source !== EITHER) parameters.append("source", state.source);
  if (state.engine !== null) parameters.append("engine", state.engine);
  const text = parameters.toString().replaceAll("sha256%3A", "sha256:");
  return text ? `?${text}` : "";
}

/**
 * The filter of a state as `POST /v1/search` takes it. Another source than "either" is for `predicted` attributes only;
 * of the others there is nothing but the shop's values.
 */
export function toFilter(state, predicted = []) {
  const filter = {};
  for (const [name, values] of Object.entries(state.values)) {
    const source = predicted.includes(name) ? state.source : "merchant";
    filter[name] = state.source === EITHER || predicted.length === 0 ? values : { any: values, source };
  }
  for (const [name, bounds] of Object.entries(state.ranges)) {
    // Text that is no number goes out as it is: the server's refusal names it better than a guess of ours.
    const numbers = Object.entries(bounds).map(([bound, text]) => [bound, Number.isFinite(+text) ? +text : text]);
    filter[name] = Object.fromEntries(numbers);
  }
  return filter;
}

/** The same state with one value of an attribute chosen, or no longer chosen. */
export function toggleValue(state, name, value) {
  const before = state.values[name] ?? [];
  const after = before.includes(value) ? before.filter((other) => other !== value) : [...before, value];
  const values = { ...state.values, [name]: after };
  if (after.length === 0) delete values[name];
  return { ...state, values };
}

/** The same state without any value of one attribute. */
export function clearValues(state, name) {
  const values = { ...state.values };
  delete values[name];
  return { ...state, values };
}

/** The same state with other bounds on a number; empty bounds take the range away. */
export function setRange(state, name, bounds) {
  const ranges = { ...state.ranges };
  delete ranges[name];
  const set = Object.fromEntries(Object.entries(bounds).filter(([, text]) => text !== "" && text !== undefined));
  if (Object.keys(set).length > 0) ranges[name] = set;
  return { ...state, ranges };
}

/** The same question without filters. */
export function clearFilters(state) {
  return { ...state, values: {}, ranges: {} };
}

/** The same filters, asked near something else: {photo}, {item} or {} for the whole catalogue. */
export function askNear(state, { photo = null, item = null } = {}) {
  return { ...state, photo, item };
}

/** The same question, filtered by values from elsewhere: "either", "merchant" or "predicted". */
export function setSource(state, source) {
  return { ...state, source };
}

/** The same question, its picture looked at by one of `engines`, of which the first needs no mention. */
export function setEngine(state, engine, engines) {
  return { ...state, engine: engine === engines[0] ? null : engine };
}

/** How many filters are applied: each value and each range counts one. */
export function countFilters(state) {
  const values = Object.values(state.values).reduce((sum, chosen) => sum + chosen.length, 0);
  return values + Object.keys(state.ranges).length;
}
