/**
 * What is said of an outcome: the titles over the hits, remarks on them, why there are none, the ways out of a problem.
 * `go(state)` asks another question. Knows nothing of tiles.
 */

import { choosePicture } from "./intake.js";
import { showNotice } from "./notice.js";
import { CLOSE, countExamples } from "./question.js";
import { askNear, clearFilters, countFilters, emptyState, setWords } from "./state.js";
import { sayItems, sayShare } from "./words.js";

/** "60 items, most similar first". */
export function sayHeading(state, { near, total }) {
  if (near) return `${sayItems(total)}, most similar first`;
  return countExamples(state) > 0 ? `${sayItems(total)}, best match first` : sayItems(total);
}

/** The window's title. */
export function sayWindow(state, { near }) {
  if (near) return `Similar to ${near.title} \u2013 Vitrine`;
  return state.words ? `\u201c${state.words}\u201d \u2013 Vitrine` : "Vitrine";
}

/** What the server's notes mean for a visitor; its own words speak to whoever runs it. */
const SAID = {
  no_text_encoder: "Your words are looked for in titles and attributes, not in the pictures.",
  words_left_out: "Varied hits are chosen by the pictures; your words do not count here.",
  no_diversity: "These are in the order of your words, so they could not be varied.",
};

/** What to know of the hits, in plain sentences. */
export function listRemarks({ hits: [first], notes }) {
  const remarks = (notes ?? []).map(({ code, message }) => SAID[code] ?? message);
  if (typeof first?.relevance === "number" && first.relevance < CLOSE) {
    remarks.unshift(`Nothing here is close: the best of these is ${sayShare(first.relevance)} likely to be what you look for.`);
  }
  return remarks;
}

/** Why there are no hits, and what to do about it. */
export function showNothing(state, { close }, go) {
  if (close === false) {
    showNotice({
      title: "Nothing here is close", detail: `No item is ${sayShare(CLOSE)} likely to be what you look for.`,
      actions: [["Show what comes nearest", () => go({ ...state, close: false })]],
    });
  } else if (countFilters(state) > 0) {
    showNotice({
      title: "Nothing fits all of these filters", detail: "Take one away, or start again without any.",
      actions: [["Clear all filters", () => go(clearFilters(state))]],
    });
  } else if (state.words) {
    showNotice({
      title: "Nothing fits these words", detail: "Try other words, or search with a picture.",
      actions: [["Clear the words", () => go(setWords(state, ""))]],
    });
  } else {
    showNotice({ title: "Nothing here yet", detail: "The catalogue is empty. Index a feed, then reload this page." });
  }
}

/** The notice for a picture the server has forgotten. */
export function showExpired(state, go) {
  showNotice({
    title: "This picture is no longer kept", detail: "The server keeps a picture for a while only. Choose it again to go on with the same filters.",
    actions: [["Choose the picture again", choosePicture], ["Show the catalogue", () => go(askNear(state))]], alert: true,
  });
}

/** What helps against a `Problem` with a state's question: [[label, action], ...]. */
export function findWaysOut(error, state, go) {
  const isAbout = (part) => error.errors.some(({ pointer }) => pointer?.startsWith(part));
  if (isAbout("/filter")) return [["Clear all filters", () => go(clearFilters(state))]];
  if (isAbout("/examples")) return [["Take the colours away", () => go({ ...state, tints: [] })]];
  if (isAbout("/min_relevance")) return [["Show what comes nearest", () => go({ ...state, close: false })]];
  return [["Choose another picture", choosePicture], ["Show the whole catalogue", () => go(emptyState())]];
}
