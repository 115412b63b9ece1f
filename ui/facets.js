/** Facet chips, whose values they count, the price range, the row of applied filters. Hands every change to `onChange(state)`. */

import { build, buildIcon, CROSS, find, keepFocus } from "./elements.js";
import { buildColor } from "./grid.js";
import { clearFilters, clearValues, countFilters, setRange, setSource, toggleValue } from "./state.js";
import { isColor, sayAttribute, sayCount, sayRange } from "./words.js";

const SHOWN = 10;
const expanded = new Set();
let onChange = () => {};
let current = null;
let counts = {};

/**
 * Wires the price form and the choice of source, which is there where attributes are `predicted`; `attributes` are the
 * catalogue's, `change` is called with the state after a change.
 */
export function openFacets({ attributes, predicted, change }) {
  onChange = change;
  find("source-field").hidden = predicted.length === 0;
  find("source").addEventListener("change", () => onChange(setSource(current, find("source").value)));
  const form = find("price");
  form.hidden = attributes.price !== "number" && attributes.price !== "integer";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    applyPrice();
  });
  form.addEventListener("change", applyPrice);
  // Beside the grid the filters are always open; above it (narrow screens) they start closed.
  const wide = matchMedia("(min-width: 56rem)");
  const fold = () => { find("filters").open = wide.matches; };
  wide.addEventListener("change", fold);
  fold();
}

/** Shows a state's filters; without `facets` the counts of before stay. */
export function showFilters(state, facets = null) {
  current = state;
  if (facets !== null) counts = facets;
  showPrice(state.ranges.price ?? {});
  find("source").value = state.source;
  keepFocus(find("facets"), () => find("facets").replaceChildren(...Object.keys(counts).map(buildFacet).filter(Boolean)));
  keepFocus(find("applied"), () => find("applied").replaceChildren(...buildApplied(state)));
  const applied = countFilters(state);
  find("filters-count").textContent = applied > 0 ? `${applied} applied` : "";
}

/** "Red, Blue, price 10 to 50": the applied filters as a sentence's end, "" without any. */
export function sayFilters(state) {
  const ranges = Object.entries(state.ranges).map(([name, bounds]) => `${sayAttribute(name).toLowerCase()} ${sayRange(bounds)}`);
  return [...Object.values(state.values).flat(), ...ranges].join(", ");
}

function buildFacet(name) {
  const chosen = current.values[name] ?? [];
  const listed = (counts[name] ?? []).map(({ value, count }) => ({ value: String(value), count }));
  const unlisted = chosen.filter((value) => !listed.some((other) => other.value === value));
  const all = [...listed, ...unlisted.map((value) => ({ value, count: 0 }))];
  if (all.length === 0) return null;
  const open = expanded.has(name);
  const shown = all.filter(({ value }, index) => open || index < SHOWN || chosen.includes(value));
  const label = sayAttribute(name);
  const head = build("div", { class: "facet-head" }, build("h3", {}, label));
  if (chosen.length > 0) {
    head.append(build("button", {
      class: "quiet", type: "button", "data-key": `clear ${name}`, "aria-label": `Clear ${label}`,
      onclick: () => onChange(clearValues(current, name)),
    }, "Clear"));
  }
  const chips = shown.map(({ value, count }) => buildChip(name, value, count, chosen.includes(value)));
  if (all.length > SHOWN) chips.push(buildExpander(name, open, all.length));
  return build("section", { class: "facet", "aria-label": label }, head, build("div", { class: "chips" }, ...chips));
}

function buildChip(name, value, count, pressed) {
  return build("button", {
    class: "chip", type: "button", "aria-pressed": String(pressed), "data-key": `${name}=${value}`, title: value,
    onclick: () => onChange(toggleValue(current, name, value)),
  }, build("span", { class: "chip-value" }, isColor(name) ? buildColor(value) : value),
  " ", build("span", { class: "count" }, sayCount(count)));
}

function buildExpander(name, open, total) {
  return build("button", {
    class: "quiet", type: "button", "data-key": `expand ${name}`, "aria-expanded": String(open),
    onclick: () => {
      if (open) expanded.delete(name);
      else expanded.add(name);
      showFilters(current);
    },
  }, open ? "Show fewer" : `Show all ${total}`);
}

function buildApplied(state) {
  const values = Object.entries(state.values).flatMap(([name, chosen]) =>
    chosen.map((value) => buildRemovable(value, `${name}=${value}`, () => onChange(toggleValue(current, name, value)))));
  const ranges = Object.entries(state.ranges).map(([name, bounds]) =>
    buildRemovable(`${sayAttribute(name)} ${sayRange(bounds)}`, name, () => onChange(setRange(current, name, {}))));
  const all = [...values, ...ranges];
  if (all.length > 0) {
    all.push(build("li", {}, build("button", {
      class: "quiet", type: "button", "data-key": "clear", onclick: () => onChange(clearFilters(current)),
    }, "Clear all")));
  }
  return all;
}

function buildRemovable(text, key, remove) {
  return build("li", {}, build("button", {
    class: "chip removable", type: "button", "data-key": key, title: text, "aria-label": `Remove ${text}`, onclick: remove,
  }, build("span", { class: "chip-value" }, text), buildIcon(CROSS)));
}

function showPrice({ gte, gt, lte, lt }) {
  for (const [id, text] of [["price-min", gte ?? gt ?? ""], ["price-max", lte ?? lt ?? ""]]) {
    // What somebody is typing is not overwritten by an answer that arrives meanwhile.
    if (document.activeElement !== find(id)) find(id).value = text;
  }
}

function applyPrice() {
  const problem = find("price-problem");
  const [gte, lte] = ["price-min", "price-max"].map((id) => find(id).value.trim().replace(",", "."));
  const wrong = [gte, lte].find((text) => text !== "" && !Number.isFinite(Number(text)));
  problem.hidden = wrong === undefined;
  problem.textContent = wrong === undefined ? "" : `“${wrong}” is not a number; write it like 25 or 19.90.`;
  for (const [id, text] of [["price-min", gte], ["price-max", lte]]) {
    find(id).toggleAttribute("aria-invalid", text !== "" && text === wrong);
  }
  if (wrong !== undefined) return;
  const before = current.ranges.price ?? {};
  if ((before.gte ?? before.gt ?? "") === gte && (before.lte ?? before.lt ?? "") === lte) return;
  onChange(setRange(current, "price", { gte, lte }));
}
