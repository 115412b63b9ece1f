/** The grid of hits: tiles, skeletons and the "load more" row. Knows nothing of how hits are found. */

import { build, find, keepFocus } from "./elements.js";
import { showPhoto } from "./photos.js";
import { findSwatch, sayAttribute, sayCount, sayPrice, sayScore, sayShare, sayTitle, sayValue } from "./words.js";

const SKELETONS = 12;

/** Grey tiles of the real ones' size, so that nothing moves when the hits arrive. */
export function showSkeletons() {
  const grid = find("grid");
  grid.replaceChildren(...Array.from({ length: SKELETONS }, buildSkeleton));
  grid.setAttribute("aria-busy", "true");
  grid.classList.remove("stale");
  find("more").hidden = true;
}

/** Marks the hits on the screen as those of the question before. */
export function dimHits() {
  find("grid").classList.add("stale");
  find("grid").setAttribute("aria-busy", "true");
}

/** Takes every tile away. */
export function clearHits() {
  showHits([], {});
}

/**
 * Shows these hits and no others. `onDetails(hit)` opens one; `similarTo(id)` gives the address of its neighbours;
 * `onMark(list, hit)` is told that hits should be "more" or "less" like one. `ofRanks`: words were asked for too, so that
 * a score says who comes first and is no similarity.
 */
export function showHits(hits, actions) {
  const grid = find("grid");
  keepFocus(grid, () => grid.replaceChildren(...hits.map((hit) => buildTile(hit, actions))));
  grid.classList.remove("stale");
  grid.removeAttribute("aria-busy");
}

/** Adds the next page's hits; `focus` moves the keyboard to the first of them. */
export function addHits(hits, { focus, ...actions }) {
  const tiles = hits.map((hit) => buildTile(hit, actions));
  find("grid").append(...tiles);
  if (focus) tiles[0]?.querySelector("a").focus();
}

/** The row below the grid: how many are shown, and the button where there are more. */
export function showMore({ shown, total, more }) {
  find("more").hidden = shown === 0;
  find("more-count").textContent = `${sayCount(shown)} of ${sayCount(total)}`;
  find("more-button").hidden = !more;
  find("more-problem").textContent = "";
}

/** "color 0.65 · resnet50 0.81": where a score comes from. */
export function sayParts(parts) {
  return Object.entries(parts ?? {})
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([space, value]) => `${space} ${sayScore(value)}`)
    .join(" · ");
}

/** A bar and a number for a similarity in [-1, 1]; the bar shows nothing below 0. */
export function buildScore(score, title = null) {
  const bar = build("span", { class: "bar", "aria-hidden": "true" });
  // Set through the style object: the page's policy refuses style attributes.
  bar.style.setProperty("--share", String(Math.max(0, Math.min(1, score))));
  return build("span", { class: "score", title },
    bar, build("span", { class: "visually-hidden" }, "similarity "), build("span", { class: "number" }, sayScore(score)));
}

/** A colour's name with a dot of it, where the name is one the page knows. */
export function buildColor(name) {
  const swatch = findSwatch(name);
  if (swatch === null) return build("span", {}, name);
  const dot = build("span", { class: "swatch", "aria-hidden": "true" });
  dot.style.backgroundColor = swatch;
  return build("span", { class: "named-color" }, dot, name);
}

function buildTile(hit, { onDetails, similarTo, onMark, ofRanks }) {
  const { item, photo } = hit;
  const title = sayTitle(item);
  const image = build("img", {
    class: "photo", alt: title, width: photo.width, height: photo.height, loading: "lazy", decoding: "async", draggable: "false",
  });
  showPhoto(image, photo.url);
  const link = build("a", {
    class: "tile-photo", href: similarTo(hit.id), "data-item": hit.id, "aria-label": `Similar to ${title}`, draggable: "false",
  }, image, build("span", { class: "tile-pill", "aria-hidden": "true" }, "Similar to this"));
  const details = build("button", {
    class: "tile-title", type: "button", title: "Details", "aria-haspopup": "dialog", onclick: () => onDetails(hit),
  }, build("span", {}, title));
  return build("li", { class: "tile", "data-item": hit.id }, link, details, buildFacts(item),
    hit.score === null || hit.score === undefined ? null : buildMatch(hit, ofRanks), buildMarks(hit, title, onMark));
}

/** The score, or its parts where it is of ranks; and how probably the hit is relevant where scores are calibrated. */
function buildMatch(hit, ofRanks) {
  const parts = sayParts(hit.parts);
  const match = ofRanks ? build("span", { class: "score", title: parts }, build("span", { class: "score-parts" }, parts))
    : buildScore(hit.score, parts || null);
  if (hit.relevance === null || hit.relevance === undefined) return match;
  match.append(build("span", { class: "relevance", title: "Probability of being relevant" },
    sayShare(hit.relevance), build("span", { class: "visually-hidden" }, " likely to be relevant")));
  return match;
}

function buildMarks(hit, title, onMark) {
  const buildMark = (list, label, sign) => build("button", {
    class: "tile-mark", type: "button", "data-key": `${list} ${hit.id}`, title: label, "aria-label": `${label} ${title}`,
    onclick: () => onMark(list, hit),
  }, build("span", { "aria-hidden": "true" }, sign));
  return build("div", { class: "tile-marks" }, buildMark("more", "More like", "+"), buildMark("less", "Less like", "\u2212"));
}

function buildFacts(item) {
  const facts = build("p", { class: "tile-facts" });
  const price = sayPrice(item);
  if (price !== null) facts.append(build("span", { class: "tile-price" }, price));
  const color = item.color ?? item.baseColour;
  if (color) {
    const name = sayValue(color);
    facts.append(build("span", { class: "tile-color", title: `${sayAttribute("color")}: ${name}` }, buildColor(name)));
  }
  return facts;
}

function buildSkeleton() {
  return build("li", { class: "tile skeleton", "aria-hidden": "true" },
    build("span", { class: "tile-photo" }), build("span", { class: "tile-title" }), build("span", { class: "tile-facts" }));
}
