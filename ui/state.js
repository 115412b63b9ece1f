/**
 * What the page shows, and how that is written in its address: `?photo=sha256:...` with `part=0,0.5,1,1`, or `?item=ID`,
 * then what else is asked about (`words=red+shirt&tint=navy&more=ID&less=ID`), the switches that are on (`vary=1`), filters
 * as the HTTP interface writes them (`color=Red&color=Blue&price_gte=10&source=merchant`), and `engine=cnn`. Knows nothing
 * of the page's elements.
 *
 * State: {photo: string|null, region: [left, top, right, bottom]|null, item: string|null, words: string|null,
 *         tints: [string], more: [id], less: [id], vary: boolean, single: boolean, distinct: boolean, close: boolean,
 *         values: {attribute: [string]}, ranges: {attribute: {gte?, lte?}}, source: "either"|"merchant"|"predicted",
 *         engine: string|null}; `region` is of the photo, `engine` null is the first there is.
 */

const BOUNDS = ["gte", "lte", "gt", "lt"];
const NUMERIC = ["number", "integer"];

const EITHER = "either";
const SOURCES = [EITHER, "merchant", "predicted"];

/** What is on or off, by its name in a state and in the address. */
export const SWITCHES = ["vary", "single", "distinct", "close"];

// Lists of a state, by the name each of their entries has in the address.
const LISTS = { tint: "tints", more: "more", less: "less" };
const MOST_WORDS = 1000;
const MOST_LISTED = 12; // of each; the server takes 64 things in all

// A feed may have a column of its own called "photo" or "source"; in the address it is then written "~photo".
const RESERVED = ["photo", "part", "item", "words", ...Object.keys(LISTS), ...SWITCHES, "source", "engine"];
const escapeName = (name) => (RESERVED.includes(name.replace(/^~+/, "")) ? `~${name}` : name);
const unescapeName = (name) => (RESERVED.includes(name.replace(/^~+/, "")) ? name.slice(1) : name);

/** A state that shows the whole catalogue. */
export function emptyState() {
  return {
    photo: null, region: null, item: null, words: null, tints: [], more: [], less: [],
    vary: false, single: false, distinct: false, close: false, values: {}, ranges: {}, source: EITHER, engine: null,
  };
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
  if (state.photo) state.region = readRegion(parameters.get("part"));
  state.words = trimWords(parameters.get("words") ?? "");
  for (const [written, list] of Object.entries(LISTS)) {
    state[list] = [...new Set(parameters.getAll(written).filter(Boolean))].slice(0, MOST_LISTED);
  }
  for (const name of SWITCHES) state[name] = parameters.get(name) === "1";
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
  if (state.photo && state.region) parameters.append("part", state.region.join(","));
  if (state.words) parameters.append("words", state.words);
  for (const [written, list] of Object.entries(LISTS)) {
    for (const entry of state[list]) parameters.append(written, entry);
  }
  for (const name of SWITCHES) if (state[name]) parameters.append(name, "1");
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
  const text = parameters.toString().replaceAll("sha256%3A", "sha256:").replaceAll("%2C", ",");
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

/** The same question near another picture or item, or near none ({}); words, colours and examples stay. */
export function askNear(state, { photo = null, item = null } = {}) {
  return { ...state, photo, item, region: null };
}

/** The same filters, asked about one item and nothing else. */
export function askItem(state, item) {
  return { ...askNear(state, { item }), words: null, tints: [], more: [], less: [] };
}

/** The same question with other words; blank ones are none. */
export function setWords(state, text) {
  return { ...state, words: trimWords(text) };
}

/** The same question about a part of its picture, or about all of it (null). */
export function setRegion(state, region) {
  return { ...state, region: region && region.map(roundShare) };
}

/** The same question with a colour more. */
export function addTint(state, tint) {
  return { ...state, tints: addOnce(state.tints, tint) };
}

/** The same question with an item that hits should be like ("more") or unlike ("less"). */
export function addExample(state, list, id) {
  const other = list === "more" ? "less" : "more";
  return { ...state, [list]: addOnce(state[list], id), [other]: state[other].filter((each) => each !== id) };
}

/** The same question without one entry of "tints", "more" or "less". */
export function dropEntry(state, list, entry) {
  return { ...state, [list]: state[list].filter((each) => each !== entry) };
}

/** The same question with a switch turned the other way. */
export function toggleSwitch(state, name) {
  return { ...state, [name]: !state[name] };
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

const roundShare = (share) => Math.round(share * 1000) / 1000;
const trimWords = (text) => text.trim().replace(/\s+/g, " ").slice(0, MOST_WORDS) || null;
const addOnce = (list, entry) => (list.includes(entry) || list.length >= MOST_LISTED ? list : [...list, entry]);

/** Four shares in order, or null: half an address is no reason to refuse the picture. */
function readRegion(text) {
  const shares = (text ?? "").split(",").map(Number);
  const [left, top, right, bottom] = shares;
  const fits = shares.length === 4 && shares.every((share) => share >= 0 && share <= 1) && left < right && top < bottom;
  return fits ? shares : null;
}
