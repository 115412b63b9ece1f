/**
 * Where the parts are wired together: the address says what is asked, the API answers, the parts show it.
 *
 * One way round: something the user does makes a new state -> `go` writes the address -> `show` asks the API and
 * fills the page. Back, a reload and a shared link enter at `show`.
 */

import { keepKey, Problem, readInfo, readKey, search, searchFile } from "./api.js";
import { closeDetails, openDetails, showDetails } from "./details.js";
import { announce, find } from "./elements.js";
import { chooseEngine, listEngines, look, openEngine, showKnown } from "./engine.js";
import { describeItem, openExamples, rememberItem, showExamples } from "./examples.js";
import { openFacets, sayFilters, showFilters } from "./facets.js";
import { addHits, clearHits, dimHits, showHits, showMore, showSkeletons } from "./grid.js";
import { openIntake } from "./intake.js";
import { askForKey, clearNotice, showProblem, showRemarks } from "./notice.js";
import { findWaysOut, listRemarks, sayHeading, sayWindow, showExpired, showNothing } from "./outcome.js";
import { adoptFile, openQuery, showFile, showInvitation, showItem, showPicture } from "./query.js";
import { buildNextQuestion, buildQuestion, countExamples, findExplained, listPredicted, nameSubject } from "./question.js";
import { chooseRegion, closeRegion, openRegion } from "./region.js";
import { hideSeen, openSeen, saySeen } from "./seen.js";
import { addExample, askItem, askNear, emptyState, readState, setRegion, writeState } from "./state.js";
import { openSwitches, showSwitches } from "./switches.js";
import { sayCount, sayItems } from "./words.js";
import { openWords, showSuggestions, showWords } from "./words_box.js";

const KEPT_VIEWS = 20;
const KEPT_FILES = 5;
const PICTURE = "your picture";
const UNNAMED = "new"; // stands for a picture the server has not named yet

let info = null;
let early = null; // a picture given before `info` was there
let state = emptyState();
let view = null; // what is on the screen: {address, hits, total, groups, facets, cursor, near, seen, suggestions, notes, close, scroll}
let running = new AbortController();
const views = new Map(); // views left, by address: Back shows them as they were, without asking again
const files = new Map(); // pictures of this visit by hash, for the day the server has forgotten one

function openPage() {
  history.scrollRestoration = "manual";
  // Before anything is known of the catalogue: a picture dropped on a page that does not listen replaces the page.
  openIntake((file) => {
    if (info === null) early = file;
    else askWithFile(file);
  });
  openQuery({ onRemove: () => go(askNear(state)), onPart: choosePart });
  openDetails();
  openWords({ change: (next) => go(next) });
  openExamples({ change: (next) => go(next) });
  openRegion({ choose: (region) => go(setRegion(state, region)) });
  start();
}

async function start() {
  showSkeletons();
  try {
    info = await readInfo();
  } catch (error) {
    handle(error, start);
    return;
  }
  clearNotice();
  find("tagline").textContent = sayItems(info.items);
  const change = (next) => go(next);
  openFacets({ attributes: info.attributes, predicted: listPredicted(info), change });
  openSeen({ attributes: info.attributes, change });
  openSwitches({ info, change });
  openEngine({ offered: listEngines(info), onChoose: (engine) => switchEngine(chooseEngine(state, engine)) });
  find("more-button").addEventListener("click", (event) => loadMore({ byKeyboard: event.detail === 0 }));
  document.addEventListener("click", followLink);
  addEventListener("popstate", () => {
    closeDetails();
    closeRegion();
    const next = readAddress();
    // A jump within the page (the skip link) is a popstate too, and asks nothing new.
    if (view?.address !== writeState(next) || writeState(state) !== view.address) show(next, { again: true });
  });
  if (early === null) {
    show(readAddress());
  } else {
    state = readAddress();
    showState();
    askWithFile(early);
  }
}

const readAddress = () => readState(location.search, info.attributes, listEngines(info));

/** Makes a state the page's own: a new address, then its hits. */
function go(next, { answer = null } = {}) {
  leaveView();
  const address = writeState(next) || location.pathname;
  if (address !== (location.search || location.pathname)) history.pushState(null, "", address);
  return show(next, { answer });
}

/** Another engine looks at the same picture. The hits are the same whoever looks: they stay, and a search goes on. */
function switchEngine(next) {
  const settled = view?.address === writeState(state);
  state = next;
  const address = writeState(state);
  showState();
  if (!settled) {
    history.replaceState(null, "", address || location.pathname);
    showKnown(state, { photo: PICTURE });
    return;
  }
  leaveView();
  history.pushState(null, "", address || location.pathname);
  view = { ...view, address };
  for (const link of find("grid").querySelectorAll("a[data-item]")) link.href = similarTo(link.dataset.item);
  lookAgain(supersede());
  announce(saySeen());
}

/** Shows a state: from an answer at hand, from a view left before (`again`), or by asking. */
async function show(next, { answer = null, again = false } = {}) {
  if (again) leaveView();
  const signal = supersede();
  const movesOn = view === null || next.photo !== state.photo || next.item !== state.item;
  const asksAnew = movesOn || next.words !== state.words;
  state = next;
  showState();
  clearNotice();
  const kept = again ? views.get(writeState(state)) : undefined;
  if (kept) {
    showView(kept, signal);
    scrollTo(0, kept.scroll);
    announce(sayShown());
    return;
  }
  const nearBefore = movesOn ? null : view.near;
  const seenBefore = movesOn ? null : view.seen;
  if (asksAnew) {
    view = null;
    showSkeletons();
    scrollTo(0, 0);
  } else {
    dimHits();
  }
  showKnown(state, { seen: seenBefore });
  try {
    const near = answer?.near ?? nearBefore ?? (await readNear(signal));
    const found = answer?.found ?? (await askAgain(signal));
    if (signal.aborted) return;
    const { hits, total: { value: total }, facets, next_cursor: cursor, query: seen, groups, suggestions, notes, close } = found;
    showView({
      address: writeState(state), hits, total, groups, facets, cursor, near, seen, suggestions, notes, close, scroll: 0,
    }, signal);
    announce([sayShown(), asksAnew ? saySeen() : ""].filter(Boolean).join(". "));
  } catch (error) {
    handle(error, () => show(state));
  }
}

/** Which picture or item the hits will be near to; shown as soon as it is known. */
async function readNear(signal) {
  let near = null;
  if (state.photo) near = { title: PICTURE, url: toAddress(state.photo) };
  if (state.item) near = await describeItem(state.item, signal);
  showNear(near);
  return near;
}

async function askAgain(signal) {
  const file = files.get(state.photo);
  const question = buildQuestion(state, info);
  try {
    return await search({ ...question, ...nameSubject(state) }, signal);
  } catch (error) {
    if (error.code !== "photo_expired" || !file) throw error;
    return searchFile(file, question, signal);
  }
}

const lookAgain = (signal) => look(state, { seen: view.seen, file: files.get(state.photo), signal });

/** A new picture: asked at once with the filters as they are; the address changes when the server has named it. */
async function askWithFile(file) {
  leaveView();
  view = null;
  closeDetails();
  const signal = supersede();
  showFile(file);
  clearNotice();
  showKnown(state, { photo: file });
  showSkeletons();
  scrollTo(0, 0);
  announce("Searching with your picture");
  try {
    const found = await searchFile(file, buildQuestion(askNear(state, { photo: UNNAMED }), info), signal);
    if (signal.aborted) return;
    const { photo, photo_url: url } = found.query;
    keepFile(photo, file);
    adoptFile(url);
    await go(askNear(state, { photo }), { answer: { found, near: { title: PICTURE, url } } });
  } catch (error) {
    handle(error, () => askWithFile(file));
  }
}

async function loadMore({ byKeyboard }) {
  const button = find("more-button");
  const asked = view;
  if (button.ariaDisabled) return;
  // Not `disabled`: that would take the keyboard off the button.
  button.ariaDisabled = "true";
  try {
    const found = await search(buildNextQuestion(state, info, asked.cursor), running.signal);
    if (view !== asked) return;
    view.hits = [...view.hits, ...found.hits];
    view.cursor = found.next_cursor;
    addHits(found.hits, { ...listActions(), focus: byKeyboard });
    showPlace();
    announce(sayShown());
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof Problem)) throw error;
    find("more-problem").textContent = error.detail;
  } finally {
    button.ariaDisabled = null;
  }
}

function showView(next, signal) {
  view = next;
  showFilters(state, view.facets);
  showNear(view.near);
  lookAgain(signal);
  showExamples(state, view.seen?.examples);
  showSuggestions(view.suggestions);
  showSwitches(state, view.hits);
  showHits(view.hits, listActions());
  showPlace();
  showRemarks(listRemarks(view));
  find("results-title").textContent = sayHeading(state, view);
  document.title = sayWindow(state, view);
  if (view.hits.length === 0) showNothing(state, view, go);
}

/** A state's own parts, which need no answer. */
function showState() {
  showFilters(state);
  showWords(state);
  showExamples(state);
  showSwitches(state);
}

const showPlace = () => showMore({ shown: view.hits.length, total: view.groups ?? view.total, more: view.cursor !== null });

function showNear(near) {
  if (near === null) showInvitation();
  else if (state.item) showItem(near);
  else showPicture(near.url);
}

/** Shows what went wrong, with the ways out; anything but a `Problem` is a fault of this page and is not hidden. */
function handle(error, retry) {
  if (error.name === "AbortError") return;
  if (!(error instanceof Problem)) throw error;
  view = null;
  hideSeen();
  clearHits();
  find("more").hidden = true;
  find("results-title").textContent = "Results";
  if (error.status === 401) {
    askForKey((key) => { keepKey(key); clearNotice(); retry(); }, { refused: readKey() !== null });
    return;
  }
  if (error.code === "photo_expired") {
    showExpired(state, go);
    return;
  }
  const atFault = error.status >= 400 && error.status < 500 && error.status !== 429;
  showProblem(error, info === null || !atFault ? [["Try again", retry]] : findWaysOut(error, state, go));
}

/** Aborts what is under way, so that a slow answer never overwrites a newer one. */
function supersede() {
  running.abort();
  running = new AbortController();
  return running.signal;
}

function keepFile(photo, file) {
  files.set(photo, file);
  if (files.size > KEPT_FILES) files.delete(files.keys().next().value);
}

function leaveView() {
  if (view === null) return;
  view.scroll = scrollY;
  views.delete(view.address);
  views.set(view.address, view);
  if (views.size > KEPT_VIEWS) views.delete(views.keys().next().value);
}

const toAddress = (photo) => `/v1/photos/${photo.replace(/^sha256:/, "")}`;
const similarTo = (id) => writeState(askItem(state, id));
const isOfRanks = () => (view.seen?.examples ?? []).some(({ kind }) => kind === "text");
const listActions = () => ({ onDetails: openHit, similarTo, onMark: markHit, ofRanks: isOfRanks() });
const openHit = (hit) => showDetails(hit, { similarTo, explained: describeExplained(), ofRanks: isOfRanks() });
const choosePart = () => chooseRegion({ photo: state.photo, url: toAddress(state.photo), region: state.region });

function markHit(list, hit) {
  rememberItem(hit);
  go(addExample(state, list, hit.id));
}

/** What a hit can be held against, or null where only colours are asked about. */
function describeExplained() {
  const subject = findExplained(state);
  if (subject === null) return null;
  const alone = countExamples(state) === 1;
  if (state.photo) return { subject, alone, title: PICTURE, readUrl: async () => toAddress(subject.photo) };
  if (subject.text) return { subject, alone, title: `\u201c${subject.text}\u201d`, readUrl: async () => null };
  return { subject, alone, title: "the item asked about", readUrl: async () => (await describeItem(subject.item_id)).url };
}

/** Links to items are real ones (a new tab, copying the address); a plain click stays in the page. */
function followLink(event) {
  const link = event.target.closest("a[data-item], #home");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  closeDetails();
  go(link.id === "home" ? emptyState() : askItem(state, link.dataset.item));
  find("results").focus({ preventScroll: true });
}

function sayShown() {
  const filters = sayFilters(state);
  if (view.hits.length === 0) return `Nothing found${filters ? `, ${filters}` : ""}`;
  return `${sayCount(view.hits.length)} of ${sayItems(view.total)}${filters ? `, ${filters}` : ""}`;
}

openPage();
