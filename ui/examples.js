/**
 * What is asked about beside the picture and the words: a part of the picture, colours, items that hits should be like or
 * unlike. A chip each, which takes it away. Hands every change to `onChange(state)`.
 */

import { Problem, readItem } from "./api.js";
import { build, buildIcon, CROSS, find, keepFocus } from "./elements.js";
import { showPhoto } from "./photos.js";
import { addTint, dropEntry, setRegion } from "./state.js";
import { findSwatch, sayRegion, sayTitle } from "./words.js";

const HEX = /^#[0-9a-f]{6}$/i;
const SAID = { more: "More like", less: "Less like" };
const known = new Map(); // {title, url} of items by id, from tiles of this visit
let onChange = () => {};
let current = null;

/** Wires the form for a colour; `change` is called with the state after anything was added or taken away. */
export function openExamples({ change }) {
  onChange = change;
  find("tint-picker").addEventListener("input", () => { find("tint-text").value = find("tint-picker").value; });
  find("tint-text").addEventListener("input", () => {
    const text = find("tint-text").value.trim();
    if (HEX.test(text)) find("tint-picker").value = text.toLowerCase();
  });
  find("tint").addEventListener("submit", (event) => {
    event.preventDefault();
    if (current === null) return; // nothing is known of the catalogue yet
    const tint = find("tint-text").value.trim() || find("tint-picker").value;
    find("tint-text").value = "";
    const next = addTint(current, tint);
    if (next.tints.length !== current.tints.length) onChange(next);
  });
}

/** Remembers how an item is called and looks, so that its chip need not ask. */
export function rememberItem({ id, item, photo }) {
  known.set(id, { title: sayTitle(item), url: photo.url });
}

/** What is known of an item: {title, url}, read where it is not known yet. */
export async function describeItem(id, signal) {
  if (!known.has(id)) rememberItem({ id, ...(await readItem(id, signal)) });
  return known.get(id);
}

/** Shows a state's chips; `asked` are the examples as the server has understood them, where it has answered. */
export function showExamples(state, asked = null) {
  current = state;
  const read = (asked ?? []).filter(({ kind }) => kind === "color").map(({ colors }) => colors ?? []);
  const chips = [
    ...(state.photo && state.region ? [buildRegion(state.region)] : []),
    ...state.tints.map((tint, place) => buildTint(tint, read[place] ?? [])),
    ...["more", "less"].flatMap((list) => state[list].map((id) => buildItem(list, id))),
  ];
  find("asked").hidden = chips.length === 0;
  keepFocus(find("asked"), () => find("asked").replaceChildren(...chips));
}

function buildChip({ key, said, remove, parts }) {
  return build("li", {}, build("button", {
    class: "chip removable", type: "button", "data-key": key, title: said, "aria-label": `Remove ${said}`, onclick: remove,
  }, ...parts, buildIcon(CROSS)));
}

function buildRegion(region) {
  const said = `part of your picture: ${sayRegion(region)}`;
  return buildChip({
    key: "region", said, remove: () => onChange(setRegion(current, null)),
    parts: [build("span", { class: "chip-value" }, `Part: ${sayRegion(region)}`)],
  });
}

function buildTint(tint, colors) {
  const swatches = colors.length > 0 ? colors.map(({ color }) => color) : [HEX.test(tint) ? tint : findSwatch(tint)];
  const dots = swatches.filter(Boolean).map((color) => {
    const dot = build("span", { class: "swatch", "aria-hidden": "true" });
    dot.style.backgroundColor = color;
    return dot;
  });
  return buildChip({
    key: `tint ${tint}`, said: `colour ${tint}`, remove: () => onChange(dropEntry(current, "tints", tint)),
    parts: [...dots, build("span", { class: "chip-value" }, tint)],
  });
}

function buildItem(list, id) {
  const said = SAID[list];
  const picture = build("img", { class: "chip-photo", alt: "", width: 24, height: 24 });
  const name = build("span", { class: "chip-value" }, id);
  const chip = buildChip({
    key: `${list} ${id}`, said: `${said} ${id}`, remove: () => onChange(dropEntry(current, list, id)),
    parts: [picture, build("span", {}, said), name],
  });
  nameItem(id).then((about) => {
    if (about === null) return;
    name.textContent = about.title;
    chip.firstChild.title = `${said} ${about.title}`;
    chip.firstChild.setAttribute("aria-label", `Remove ${said} ${about.title}`);
    showPhoto(picture, about.url);
  });
  return chip;
}

/** An item that cannot be read keeps its id for a name; the search says what is wrong with it. */
async function nameItem(id) {
  try {
    return await describeItem(id);
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}
