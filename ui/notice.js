/** What stands above the hits or in their place: remarks on them, nothing found, a problem, or the form for an API key. */

import { build, find } from "./elements.js";

/** Takes the notice and the remarks away. */
export function clearNotice() {
  find("notice").replaceChildren();
  showRemarks([]);
}

/** Sentences on the hits below, such as that none of them is close. */
export function showRemarks(sentences) {
  find("remarks").hidden = sentences.length === 0;
  find("remarks").replaceChildren(...sentences.map((sentence) => build("li", {}, sentence)));
}

/** A sentence, with buttons: [[label, action], ...]. `alert` says it to screen readers at once. */
export function showNotice({ title, detail, small = null, actions = [], alert = false }) {
  const buttons = actions.map(([label, act], index) =>
    build("button", { class: index === 0 ? "button primary" : "button", type: "button", onclick: act }, label));
  find("notice").replaceChildren(build("div", { class: alert ? "notice problem" : "notice", role: alert ? "alert" : null },
    build("h3", {}, title),
    build("p", {}, detail),
    small === null ? null : build("p", { class: "notice-small" }, small),
    buttons.length > 0 ? build("div", { class: "notice-actions" }, ...buttons) : null));
}

/** A `Problem` of the API, in its own words. */
export function showProblem(problem, actions) {
  const errors = problem.errors.map(({ detail, pointer }) => [pointer, detail].filter(Boolean).join(": "));
  const reference = problem.requestId ? `Request ${problem.requestId}` : null;
  showNotice({
    title: problem.title, detail: [problem.detail, ...errors.filter((text) => !problem.detail?.includes(text))].join(" "),
    small: reference, actions, alert: true,
  });
}

/** Asks for an API key; `onKey(key)` gets it. `refused` says that the one given before did not open the door. */
export function askForKey(onKey, { refused }) {
  const input = build("input", {
    id: "api-key", type: "password", autocomplete: "off", required: true, spellcheck: "false",
    "aria-describedby": "api-key-help", "aria-invalid": refused ? "true" : null,
  });
  const form = build("form", {
    class: "notice key-form",
    onsubmit: (event) => {
      event.preventDefault();
      const key = input.value.trim();
      // A header carries printable ASCII only; anything else cannot be a key, and fetch would throw on it.
      if (/^[\x21-\x7e]+$/.test(key)) onKey(key);
      else askForKey(onKey, { refused: true });
    },
  },
  build("h3", {}, "This catalogue needs a key"),
  build("p", { id: "api-key-help" }, refused ? "That key was not accepted. Check it, or ask whoever runs this server for one."
    : "Ask whoever runs this server for an API key. It is kept in this tab only, until you close it."),
  build("label", { for: "api-key" }, "API key"),
  build("div", { class: "notice-actions" }, input, build("button", { class: "button primary", type: "submit" }, "Go on")));
  find("notice").replaceChildren(form);
  input.focus();
}
