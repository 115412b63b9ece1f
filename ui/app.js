/**
 * Where the parts are wired together: the address says what is asked, the API answers, the parts show it.
 *
 * One way round: something the user does makes a new state -> `go` writes the address -> `show` asks the API and
 * fills the page. Back, a reload and a shared link enter at `show`.
 */

import { keepKey, Problem, readInfo, readItem, readKey, search, searchFile } from "./api.js";
import { closeDetails, openDetails, showDetails } from "./details.js";
import { announce, find } from "./elements.js";
import { chooseEngine, listEngines, look, openEngine, showKnown } from "./engine.js";
import { openFacets, sayFilters, showFilters } from "./facets.js";
import { addHits, clearHits, dimHits, showHits, showMore, showSkeletons } from "./grid.js";
import { choosePicture, openIntake } from "./intake.js";
import { askForKey, clearNotice, showNotice, showProblem } from "./notice.js";
import { adoptFile, openQuery, showFile, showInvitation, showItem, showPicture } from "./query.js";
import { hideSeen, openSeen, saySeen } from "./seen.js";
import { askNear, clearFilters, countFilters, emptyState, readState, toFilter, writeState } from "./state.js";
import { sayCount, sayItems, sayTitle } from "./words.js";

const FACET_LIMIT = 60;
const KEPT_VIEWS = 20;
const KEPT_FILES = 5;
const PICTURE = "your picture";

let info = null;
let early = null; // a picture given before `info` was there
let state = emptyState();
let view = null; // what is on the screen: {address, hits, total, facets, cursor, near, seen, scroll}
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
  openQuery({ onRemove: () => go(askNear(state)) });
  openDetails();
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
  openFacets({ attributes: info.attributes, predicted: listPredicted(), change: (next) => go(next) });
  openSeen({ attributes: info.attributes, change: (next) => go(next) });
  openEngine({ offered: listEngines(info), onChoose: (engine) => switchEngine(chooseEngine(state, engine)) });
  find("more-button").addEventListener("click", (event) => loadMore({ byKeyboard: event.detail === 0 }));
  document.addEventListener("click", followLink);
  addEventListener("popstate", () => {
    closeDetails();
    const next = readAddress();
    // A jump within the page (the skip link) is a popstate too, and asks nothing new.
    if (view?.address !== writeState(next) || writeState(state) !== view.address) show(next, { again: true });
  });
  if (early === null) {
    show(readAddress());
  } else {
    state = readAddress();
    showFilters(state);
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
  showFilters(state);
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
  const asksAnew = view === null || next.photo !== state.photo || next.item !== state.item;
  state = next;
  showFilters(state);
  clearNotice();
  const kept = again ? views.get(writeState(state)) : undefined;
  if (kept) {
    showView(kept, signal);
    scrollTo(0, kept.scroll);
    announce(sayShown());
    return;
  }
  const nearBefore = asksAnew ? null : view.near;
  if (asksAnew) {
    view = null;
    showSkeletons();
    scrollTo(0, 0);
  } else {
    dimHits();
  }
  showKnown(state, { seen: view?.seen });
  try {
    const near = answer?.near ?? nearBefore ?? (await readNear(signal));
    const found = answer?.found ?? (await askAgain(signal));
    if (signal.aborted) return;
    const { hits, total: { value: total }, facets, next_cursor: cursor, query: seen } = found;
    showView({ address: writeState(state), hits, total, facets, cursor, near, seen, scroll: 0 }, signal);
    announce([sayShown(), asksAnew ? saySeen() : ""].filter(Boolean).join(". "));
  } catch (error) {
    handle(error, () => show(state));
  }
}

/** Which picture or item the hits will be near to; shown as soon as it is known. */
async function readNear(signal) {
  let near = null;
  if (state.photo) near = { title: PICTURE, url: `/v1/photos/${state.photo.replace(/^sha256:/, "")}` };
  if (state.item) {
    const { item, photo } = await readItem(state.item, signal);
    near = { title: sayTitle(item), url: photo.url };
  }
  showNear(near);
  return near;
}

async function askAgain(signal) {
  const file = files.get(state.photo);
  try {
    if (state.photo) return await search({ ...buildPhotoQuestion(), photo: state.photo }, signal);
    return await search({ ...buildQuestion(), ...(state.item && { item_id: state.item }) }, signal);
  } catch (error) {
    if (error.code !== "photo_expired" || !file) throw error;
    return searchFile(file, buildPhotoQuestion(), signal);
  }
}

function buildQuestion() {
  return { ...buildFilter(), facets: info.facets, facet_limit: FACET_LIMIT };
}

function buildPhotoQuestion() {
  return { ...buildQuestion(), ...(info.classifier && { classify: true }) };
}

function buildFilter() {
  const predicted = listPredicted();
  return { filter: toFilter(state, predicted), ...(predicted.length > 0 && { source: state.source }) };
}

/** Attributes the classifier names; none where there is no classifier. */
const listPredicted = () => Object.keys(info.classifier?.attributes ?? {});

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
    const found = await searchFile(file, buildPhotoQuestion(), signal);
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
    const near = { ...(state.photo && { photo: state.photo }), ...(state.item && { item_id: state.item }) };
    const found = await search({ ...buildFilter(), ...near, cursor: asked.cursor }, running.signal);
    if (view !== asked) return;
    view.hits = [...view.hits, ...found.hits];
    view.cursor = found.next_cursor;
    addHits(found.hits, { onDetails: openHit, similarTo, focus: byKeyboard });
    showMore({ shown: view.hits.length, total: view.total, more: view.cursor !== null });
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
  showHits(view.hits, { onDetails: openHit, similarTo });
  showMore({ shown: view.hits.length, total: view.total, more: view.cursor !== null });
  find("results-title").textContent = view.near ? `${sayItems(view.total)}, most similar first` : sayItems(view.total);
  document.title = view.near ? `Similar to ${view.near.title} \u2013 Vitrine` : "Vitrine";
  if (view.hits.length === 0) showNothing();
}

function showNear(near) {
  if (near === null) showInvitation();
  else if (state.item) showItem(near);
  else showPicture(near.url);
}

function showNothing() {
  if (countFilters(state) > 0) {
    showNotice({
      title: "Nothing fits all of these filters", detail: "Take one away, or start again without any.",
      actions: [["Clear all filters", () => go(clearFilters(state))]],
    });
  } else {
    showNotice({ title: "Nothing here yet", detail: "The catalogue is empty. Index a feed, then reload this page." });
  }
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
    showNotice({
      title: "This picture is no longer kept", detail: "The server keeps a picture for a while only. Choose it again to go on with the same filters.",
      actions: [["Choose the picture again", choosePicture], ["Show the catalogue", () => go(askNear(state))]], alert: true,
    });
    return;
  }
  showProblem(error, findWaysOut(error, retry));
}

function findWaysOut(error, retry) {
  const atFault = error.status >= 400 && error.status < 500 && error.status !== 429;
  if (info === null || !atFault) return [["Try again", retry]];
  if (error.errors.some(({ pointer }) => pointer?.startsWith("/filter"))) {
    return [["Clear all filters", () => go(clearFilters(state))]];
  }
  return [["Choose another picture", choosePicture], ["Show the whole catalogue", () => go(emptyState())]];
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

const similarTo = (id) => writeState(askNear(state, { item: id }));
const openHit = (hit) => showDetails(hit, { similarTo });

/** Links to items are real ones (a new tab, copying the address); a plain click stays in the page. */
function followLink(event) {
  const link = event.target.closest("a[data-item], #home");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  closeDetails();
  go(link.id === "home" ? emptyState() : askNear(state, { item: link.dataset.item }));
  find("results").focus({ preventScroll: true });
}

function sayShown() {
  const filters = sayFilters(state);
  if (view.hits.length === 0) return `Nothing found${filters ? `, ${filters}` : ""}`;
  return `${sayCount(view.hits.length)} of ${sayItems(view.total)}${filters ? `, ${filters}` : ""}`;
}

openPage();
