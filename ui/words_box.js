/** The search box for words, and the filters that the server reads in them: offered below, never put on by themselves. */

import { build, find, keepFocus } from "./elements.js";
import { buildColor } from "./grid.js";
import { setWords, toggleValue } from "./state.js";
import { isColor, sayAttribute } from "./words.js";

const MOST_OFFERED = 8;
let onChange = () => {};
let current = null;
let suggested = []; // [{attribute, value}, ...]

/** Wires the box; `change` is called with the state after another text, or after a suggested filter was pressed. */
export function openWords({ change }) {
  onChange = change;
  find("words").addEventListener("submit", (event) => {
    event.preventDefault();
    if (current === null) return; // nothing is known of the catalogue yet
    const next = setWords(current, find("words-text").value);
    if (next.words !== current.words) onChange(next);
  });
  find("words-clear").addEventListener("click", () => {
    find("words-text").value = "";
    find("words-clear").hidden = true;
    find("words-text").focus();
    if (current?.words) onChange(setWords(current, ""));
  });
  find("words-text").addEventListener("input", () => { find("words-clear").hidden = find("words-text").value === ""; });
}

/** Shows a state's words; what was suggested for others goes. */
export function showWords(state) {
  const changed = state.words !== current?.words;
  current = state;
  // What somebody is typing is not overwritten by an answer that arrives meanwhile.
  if (changed) find("words-text").value = state.words ?? "";
  find("words-clear").hidden = find("words-text").value === "";
  if (changed) suggested = [];
  offer();
}

/** Filters that the words name: [{attribute, values}, ...]. */
export function showSuggestions(suggestions) {
  suggested = (suggestions ?? []).flatMap(({ attribute, values }) => values.map((value) => ({ attribute, value })));
  offer();
}

/** Those that are on already are left out. */
function offer() {
  const offered = suggested.filter(({ attribute, value }) => !(current.values[attribute] ?? []).includes(value));
  find("suggestions").hidden = offered.length === 0;
  const list = find("suggestions-list");
  keepFocus(list, () => list.replaceChildren(...offered.slice(0, MOST_OFFERED).map(buildSuggestion)));
}

function buildSuggestion({ attribute, value }) {
  return build("li", {}, build("button", {
    class: "chip", type: "button", "data-key": `${attribute}=${value}`, title: value,
    onclick: () => onChange(toggleValue(current, attribute, value)),
  }, `${sayAttribute(attribute)}: `, build("span", { class: "chip-value" }, isColor(attribute) ? buildColor(value) : value)));
}
