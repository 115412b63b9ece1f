/**
 * What the classifier sees in the picture: a chip for each value it is sure of, which is a filter when pressed, and a
 * plain word where the picture is none of this catalogue's kind. Hands every change to `onChange(state)`.
 */

import { build, find, keepFocus } from "./elements.js";
import { buildColor } from "./grid.js";
import { toggleValue } from "./state.js";
import { isColor, sayAttribute, sayShare } from "./words.js";

const OUTSIDE = "This does not look like anything in this catalogue. What comes nearest is shown all the same.";
const UNSURE = "Nothing that the classifier is sure of.";
const LOOKING = "Looking\u2026";
let onChange = () => {};
let said = null; // the query part of the last answer: {attributes, outside, ...}

/** `change` is called with the state after a chip was pressed. */
export function openSeen({ change }) {
  onChange = change;
}

/** Keeps the place free while the answer is on its way, so that nothing moves when it comes. */
export function awaitSeen() {
  said = null;
  show({ chips: [], note: LOOKING });
}

/** Nothing is asked by picture, or nobody looks at pictures here. */
export function hideSeen() {
  said = null;
  find("seen").hidden = true;
}

/** What an answer says of its picture; without one, what was said before with the state's filters pressed. */
export function showSeen(state, answer = said) {
  if (!answer?.attributes) {
    if (answer !== null) hideSeen();
    return;
  }
  said = answer;
  if (answer.outside) {
    show({ chips: [], note: OUTSIDE });
    return;
  }
  const chips = Object.entries(answer.attributes).flatMap(([name, { values, accepted }]) =>
    values.filter(({ value }) => accepted.includes(value)).map((seen) => buildChip(state, name, seen)));
  show({ chips, note: chips.length === 0 ? UNSURE : null });
}

/** "Seen: Red, Dresses" for those who do not see the chips; "" without any. */
export function saySeen() {
  if (!said?.attributes) return "";
  if (said.outside) return OUTSIDE;
  const values = Object.values(said.attributes).flatMap(({ accepted }) => accepted);
  return values.length > 0 ? `Seen in your picture: ${values.join(", ")}` : "";
}

function show({ chips, note }) {
  find("seen").hidden = false;
  find("seen-note").hidden = note === null;
  find("seen-note").textContent = note ?? "";
  keepFocus(find("seen-chips"), () => find("seen-chips").replaceChildren(...chips));
}

function buildChip(state, name, { value, confidence }) {
  const pressed = (state.values[name] ?? []).includes(value);
  return build("li", {}, build("button", {
    class: "chip", type: "button", "aria-pressed": String(pressed), "data-key": `${name}=${value}`,
    title: `${sayAttribute(name)}: ${value}`, onclick: () => onChange(toggleValue(state, name, value)),
  }, build("span", { class: "visually-hidden" }, `${sayAttribute(name)} `),
  build("span", { class: "chip-value" }, isColor(name) ? buildColor(value) : value),
  " ", build("span", { class: "count" }, sayShare(confidence))));
}
