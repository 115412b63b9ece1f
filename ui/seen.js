/**
 * What is seen in the picture: a chip for each value that looked sure, which is a filter when pressed, and a plain word
 * where the picture is none of this catalogue's kind. Hands every change to `onChange(state)`; who looks is `engine.js`'s.
 */

import { build, find, keepFocus } from "./elements.js";
import { buildColor } from "./grid.js";
import { toggleValue } from "./state.js";
import { isColor, sayAttribute, sayShare } from "./words.js";

const OUTSIDE = "This does not look like anything in this catalogue. What comes nearest is shown all the same.";
const UNSURE = "Nothing that the classifier is sure of.";
export const LOOKING = "Looking\u2026";
let filterable = {}; // the catalogue's attributes
let onChange = () => {};
let sentence = ""; // what is shown, for those who do not see it

/** `change` is called with the state after a chip was pressed; values of others than `attributes` are no filters. */
export function openSeen({ attributes, change }) {
  filterable = attributes;
  onChange = change;
}

/** Keeps the place free while the answer is on its way, so that nothing moves when it comes. */
export function awaitSeen(note = LOOKING) {
  show({ note });
}

/** Nothing is asked by picture, or nobody looks at pictures here. */
export function hideSeen() {
  sentence = "";
  find("seen").hidden = true;
}

/** What an answer says of its picture, with the state's filters pressed; `work` is a line on what that took. */
export function showSeen(state, { attributes, outside }, work = null) {
  if (outside) {
    show({ note: OUTSIDE });
    return;
  }
  const sure = Object.entries(attributes).flatMap(([name, { values, accepted }]) =>
    values.filter(({ value }) => accepted.includes(value)).map((seen) => ({ name, ...seen })));
  const chips = sure.map((seen) => buildChip(state, seen));
  const said = sure.length > 0 ? `Seen in your picture: ${sure.map(({ value }) => value).join(", ")}` : UNSURE;
  show({ chips, note: sure.length > 0 ? null : UNSURE, work, said });
}

/** A `Problem` in its own words, and the way out where there is one: `retry`, else null. */
export function showUnseen(problem, retry) {
  const again = () => {
    find("seen").focus({ preventScroll: true }); // the button is about to go
    retry();
  };
  const button = build("button", { class: "quiet", type: "button", onclick: again }, "Try again");
  show({ chips: retry === null ? [] : [build("li", {}, button)], note: problem.detail });
}

/** "Seen in your picture: Red, Dresses", or whatever else the section says; "" where it is hidden. */
export const saySeen = () => sentence;

function show({ chips = [], note = null, work = null, said = note }) {
  sentence = said;
  find("seen").hidden = false;
  for (const [id, text] of [["seen-note", note], ["seen-work", work]]) {
    find(id).hidden = text === null;
    find(id).textContent = text ?? "";
  }
  keepFocus(find("seen-chips"), () => find("seen-chips").replaceChildren(...chips));
}

function buildChip(state, { name, value, confidence }) {
  const label = sayAttribute(name);
  const words = [build("span", { class: "visually-hidden" }, `${label} `),
    build("span", { class: "chip-value" }, isColor(name) ? buildColor(value) : value),
    " ", build("span", { class: "count" }, sayShare(confidence))];
  if (!Object.hasOwn(filterable, name)) return build("li", { class: "seen-word", title: `${label}: ${value}` }, ...words);
  return build("li", {}, build("button", {
    class: "chip", type: "button", "aria-pressed": String((state.values[name] ?? []).includes(value)),
    "data-key": `${name}=${value}`, title: `${label}: ${value}`, onclick: () => onChange(toggleValue(state, name, value)),
  }, ...words));
}
