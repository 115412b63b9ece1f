/**
 * From a state to the question the API is asked. Plain values in and out; knows nothing of the page's elements.
 */

import { toFilter } from "./state.js";

const FACET_LIMIT = 60;
const VARIED = 0.5;
const GROUPS = "item_group_id";

/** How relevant a hit probably is at least, for it to be called close. */
export const CLOSE = 0.5;

/** The question for a state's first page, but for `nameSubject`: a picture may go along as a file. `info` is the catalogue's. */
export function buildQuestion(state, info) {
  return {
    ...buildRanking(state, info), facets: info.facets, facet_limit: FACET_LIMIT,
    ...(state.photo && info.classifier && { classify: true }),
  };
}

/** The question for the page after `cursor`. */
export function buildNextQuestion(state, info, cursor) {
  return { ...buildRanking(state, info), ...nameSubject(state), cursor };
}

/** `photo` or `item_id` of a state's question; nothing where neither is asked about. */
export function nameSubject(state) {
  if (state.photo) return { photo: state.photo };
  return state.item ? { item_id: state.item } : {};
}

/** What an explanation can be about: the picture or item asked about, the first item of "more like", the words; or null. */
export function findExplained(state) {
  if (state.photo) return { photo: state.photo, ...(state.region && { region: state.region }) };
  const id = state.item ?? state.more[0];
  if (id !== undefined && id !== null) return { item_id: id };
  return state.words === null ? null : { text: state.words };
}

/** How many things hits should be like or unlike. */
export function countExamples(state) {
  const one = [state.photo ?? state.item, state.words].filter((each) => each !== null).length;
  return one + state.tints.length + state.more.length + state.less.length;
}

/** Attributes the classifier names; none where there is no classifier. */
export const listPredicted = (info) => Object.keys(info.classifier?.attributes ?? {});

/** Whether the catalogue says which items are variants of one product. */
export const hasGroups = (info) => Object.hasOwn(info.attributes, GROUPS);

/** Whether hits could be held against a probability: of several things at once none was ever learnt. */
export const couldBeClose = (state) =>
  countExamples(state) === 1 && state.tints.length === 0 && state.less.length === 0;

function buildRanking(state, info) {
  const predicted = listPredicted(info);
  return {
    filter: toFilter(state, predicted), ...(predicted.length > 0 && { source: state.source }),
    ...(state.photo && state.region && { region: state.region }),
    ...(state.words && { text: state.words }),
    ...(state.tints.length > 0 && { examples: state.tints.map((color) => ({ color })) }),
    ...(state.more.length > 0 && { more_like: state.more }),
    ...(state.less.length > 0 && { less_like: state.less }),
    ...buildSwitches(state, info),
  };
}

/** Only what the question can have: variety and the like are of a ranking, and refused without one. */
function buildSwitches(state, info) {
  const ranked = countExamples(state) > 0;
  return {
    ...(state.single && hasGroups(info) && { group_by: GROUPS }),
    ...(ranked && state.vary && { diversity: VARIED }),
    ...(ranked && state.distinct && { collapse_duplicates: true }),
    ...(state.close && couldBeClose(state) && { min_relevance: CLOSE }),
  };
}
