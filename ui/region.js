/**
 * The dialog to choose a part of the picture asked about: boxes the server suggests, or one drawn with the pointer and
 * moved with the arrow keys. Hands the box, in shares of the picture's sides, to `onChoose(region)`.
 */

import { Problem, readRegions } from "./api.js";
import { announce, build, buildIcon, CROSS, find } from "./elements.js";
import { showPhoto } from "./photos.js";
import { sayRegion } from "./words.js";

const SMALLEST = 0.05; // of a side; the server refuses less than 0.02
const STEP = 0.02;
const WHOLE = [0, 0, 1, 1];
const HELP = "Draw a box on the picture, or move the one there is with the arrow keys; with Shift they move its lower right corner.";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

let onChoose = () => {};
let box = WHOLE;
let running = new AbortController();

/** Wires the dialog; `choose` is called with a box, or with null for the whole picture. */
export function openRegion({ choose }) {
  onChoose = choose;
  const dialog = find("region");
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => running.abort());
}

/** Closes the dialog, for example because Back was pressed. */
export function closeRegion() {
  if (find("region").open) find("region").close();
}

/** Shows a picture with its box, `region` or none yet, and asks for the boxes to suggest. */
export async function chooseRegion({ photo, url, region }) {
  running = new AbortController();
  const { signal } = running;
  const { frame, list } = buildDialog(url);
  placeBox(region ?? WHOLE);
  frame.addEventListener("pointerdown", draw);
  find("region").showModal();
  try {
    const { regions } = await readRegions(photo, signal);
    if (signal.aborted) return;
    list.replaceChildren(...regions.map(buildSuggestion));
    if (regions.length === 0) find("region-note").textContent = "Nothing stands out in this picture.";
    else find("region-note").textContent = "";
    announce(`${regions.length} parts suggested`);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof Problem)) throw error;
    find("region-note").textContent = error.detail;
  }
}

function buildDialog(url) {
  const image = build("img", { class: "region-photo", alt: "Your picture", draggable: "false" });
  const part = build("div", {
    class: "region-box", id: "region-box", tabindex: "0", role: "group", "aria-label": "Part of the picture", "aria-describedby": "region-help",
    onkeydown: moveByKey,
  });
  const frame = build("div", { class: "region-frame", id: "region-frame" }, image, part);
  // A small picture is drawn larger; its own shape is known once it is there.
  image.addEventListener("load", () => {
    frame.style.width = `min(100%, calc(55dvh * ${image.naturalWidth / image.naturalHeight}))`;
  });
  showPhoto(image, url);
  const list = build("ul", { class: "chips", id: "region-suggestions", "aria-label": "Suggested parts" });
  const answer = (region) => { closeRegion(); onChoose(region); };
  find("region").replaceChildren(
    build("button", { class: "details-close", type: "button", "aria-label": "Close", onclick: closeRegion }, buildIcon(CROSS)),
    build("h2", { id: "region-title" }, "Choose a part"),
    build("p", { class: "region-help", id: "region-help" }, HELP),
    build("div", { class: "region-stage" }, frame),
    build("p", { class: "region-said", id: "region-said", role: "status" }),
    list, build("p", { class: "region-note", id: "region-note", role: "status" }, "Looking for parts\u2026"),
    build("div", { class: "details-actions" },
      build("button", { class: "button primary", type: "button", onclick: () => answer(isWhole(box) ? null : box) }, "Search with this part"),
      build("button", { class: "button", type: "button", onclick: () => answer(null) }, "The whole picture")));
  return { frame, list };
}

const isWhole = (region) => region.every((share, place) => share === WHOLE[place]);

function buildSuggestion({ name, box: suggested }) {
  return build("li", {}, build("button", {
    class: "chip", type: "button", title: sayRegion(suggested), onclick: () => placeBox(suggested),
  }, name));
}

function placeBox(region) {
  box = region;
  const [left, top, right, bottom] = region;
  const { style } = find("region-box");
  style.left = `${left * 100}%`;
  style.top = `${top * 100}%`;
  style.width = `${(right - left) * 100}%`;
  style.height = `${(bottom - top) * 100}%`;
  find("region-said").textContent = isWhole(region) ? "The whole picture" : sayRegion(region);
}

/** A box from where the pointer goes down to where it goes up; one too small to be meant leaves the box as it was. */
function draw(event) {
  if (event.button !== 0) return;
  event.preventDefault();
  const frame = event.currentTarget;
  const before = box;
  const start = locate(frame, event);
  frame.setPointerCapture(event.pointerId);
  const follow = (moved) => placeBox(span(start, locate(frame, moved)));
  const end = (ended) => {
    frame.removeEventListener("pointermove", follow);
    for (const kind of ["pointerup", "pointercancel"]) frame.removeEventListener(kind, end);
    const drawn = span(start, locate(frame, ended));
    const meant = ended.type === "pointerup" && drawn[2] - drawn[0] >= SMALLEST && drawn[3] - drawn[1] >= SMALLEST;
    placeBox(meant ? drawn : before);
    find("region-box").focus({ preventScroll: true });
  };
  frame.addEventListener("pointermove", follow);
  for (const kind of ["pointerup", "pointercancel"]) frame.addEventListener(kind, end);
}

function locate(frame, { clientX, clientY }) {
  const { left, top, width, height } = frame.getBoundingClientRect();
  return [limit((clientX - left) / width), limit((clientY - top) / height)];
}

function span([x, y], [otherX, otherY]) {
  return [Math.min(x, otherX), Math.min(y, otherY), Math.max(x, otherX), Math.max(y, otherY)];
}

function moveByKey(event) {
  const arrow = ARROWS[event.key];
  if (!arrow) return;
  event.preventDefault();
  const [left, top, right, bottom] = box;
  const [across, down] = arrow.map((way) => way * STEP);
  if (event.shiftKey) {
    placeBox([left, top, Math.max(left + SMALLEST, limit(right + across)), Math.max(top + SMALLEST, limit(bottom + down))].map(limit));
    return;
  }
  // The box keeps its size at the picture's edge.
  const x = Math.min(Math.max(across, -left), 1 - right);
  const y = Math.min(Math.max(down, -top), 1 - bottom);
  placeBox([left + x, top + y, right + x, bottom + y].map(limit));
}

const limit = (share) => Math.min(1, Math.max(0, share));
