/** Switches of a ranking: variety, one hit a group, no near duplicates, only what is close. Hands changes to `onChange(state)`. */

import { build, find } from "./elements.js";
import { countExamples, couldBeClose, hasGroups } from "./question.js";
import { toggleSwitch } from "./state.js";

const LABELS = { vary: "Vary", single: "One of each group", distinct: "Hide near duplicates", close: "Only what is close" };
let onChange = () => {};
let current = null;
let grouped = false;
let calibrated = false; // whether the last answer's hits had a relevance

/** Builds the boxes; `info` is the catalogue's, `change` is called with the state after one was ticked. */
export function openSwitches({ info, change }) {
  onChange = change;
  grouped = hasGroups(info);
  find("switches").replaceChildren(...Object.entries(LABELS).map(([name, label]) =>
    build("label", { class: "switch", id: `switch-${name}`, hidden: true },
      build("input", { type: "checkbox", name, onchange: () => onChange(toggleSwitch(current, name)) }), label)));
}

/** Shows a state's switches, and of them those its question can have; `hits` are the answer's, if it is there. */
export function showSwitches(state, hits = []) {
  current = state;
  if (hits.length > 0) calibrated = typeof hits[0].relevance === "number";
  const ranked = countExamples(state) > 0;
  const offered = { vary: ranked, single: grouped, distinct: ranked, close: couldBeClose(state) && (calibrated || state.close) };
  for (const [name, there] of Object.entries(offered)) {
    const label = find(`switch-${name}`);
    label.hidden = !there;
    label.querySelector("input").checked = state[name];
  }
  find("switches").hidden = !Object.values(offered).includes(true);
}
