/** The dialog with one item's photos and attributes. */

import { build, buildIcon, CROSS, find } from "./elements.js";
import { buildColor, buildScore } from "./grid.js";
import { showPhoto } from "./photos.js";
import { buildWhy } from "./why.js";
import { isColor, sayAttribute, sayPrice, sayShare, sayTitle, sayValue } from "./words.js";

const MAX_PHOTOS = 10;
// Shown elsewhere in the dialog, or of no use to a reader.
const HIDDEN = ["title", "description", "image_link", "additional_image_link", "link", "mobile_link", "price", "price_currency"];

/** Closes the dialog with a click beside it; Escape is the browser's. */
export function openDetails() {
  const dialog = find("details");
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

/** Closes the dialog, for example because Back was pressed. */
export function closeDetails() {
  if (find("details").open) find("details").close();
}

/**
 * Opens a hit; `similarTo(id)` is the address of its neighbours, `explained` what it is held against (see
 * `why.js`) or null, `ofRanks` whether its score says who comes first and is no similarity.
 */
export function showDetails(hit, { similarTo, explained, ofRanks }) {
  const { item } = hit;
  const dialog = find("details");
  const close = build("button", { class: "details-close", type: "button", "aria-label": "Close", onclick: closeDetails }, buildIcon(CROSS));
  const price = sayPrice(item);
  const actions = build("div", { class: "details-actions" },
    build("a", { class: "button primary", href: similarTo(hit.id), "data-item": hit.id }, "Similar to this"), buildShopLink(item));
  const words = build("div", { class: "details-words" },
    build("h2", { id: "details-title" }, sayTitle(item)),
    price === null ? null : build("p", { class: "details-price" }, price),
    actions,
    item.description ? build("p", { class: "details-description" }, sayValue(item.description)) : null,
    buildAttributes(item), buildPredicted(hit), buildParts(hit, ofRanks), buildWhy(hit, explained));
  dialog.replaceChildren(close, build("div", { class: "details-columns" }, buildPhotos(hit), words));
  dialog.showModal();
  dialog.scrollTop = 0;
}

function buildPhotos({ id, item, photo }) {
  const title = sayTitle(item);
  const large = build("img", { class: "details-photo", alt: title, width: photo.width, height: photo.height });
  showPhoto(large, photo.url);
  const frame = build("div", { class: "details-photos" }, build("div", { class: "details-frame" }, large));
  const others = item.additional_image_link;
  const count = Math.min(MAX_PHOTOS, 1 + (Array.isArray(others) ? others.length : others ? 1 : 0));
  if (count > 1) frame.append(buildStrip({ id, title, photo, count, large }));
  return frame;
}

function buildStrip({ id, title, photo, count, large }) {
  const strip = build("div", { class: "details-strip", role: "group", "aria-label": "Photos" });
  for (let index = 0; index < count; index += 1) {
    const url = index === photo.index ? photo.url : `/v1/items/${encodeURIComponent(id)}/photo?index=${index}`;
    const small = build("img", { alt: "", width: 64, height: 64 });
    const button = build("button", {
      type: "button", "aria-pressed": String(index === photo.index), "aria-label": `Photo ${index + 1} of ${title}`,
      onclick: () => {
        for (const other of strip.children) other.setAttribute("aria-pressed", String(other === button));
        showPhoto(large, url);
      },
    }, small);
    strip.append(button);
    showPhoto(small, url);
    // A feed may list a photo that could not be read; its row in the strip goes.
    small.addEventListener("error", () => button.remove());
  }
  return strip;
}

/** The shop's own page, only over http(s): a feed's `javascript:` link would run in this page. */
function buildShopLink(item) {
  let url;
  try {
    url = new URL(sayValue(item.link ?? ""));
  } catch {
    return null;
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return null;
  return build("a", { class: "button", href: url.href, target: "_blank", rel: "noopener noreferrer" }, "Open in the shop");
}

function buildAttributes(item) {
  const list = build("dl", { class: "attributes" });
  for (const [name, value] of Object.entries(item)) {
    if (HIDDEN.includes(name) || value === null || value === "" || (Array.isArray(value) && value.length === 0)) continue;
    const text = name === "sale_price" ? sayPrice(item, name) : sayValue(value);
    const said = isColor(name) ? buildColor(text) : text;
    list.append(build("div", {}, build("dt", {}, sayAttribute(name)), build("dd", {}, said)));
  }
  return list;
}

/** What the classifier sees in the photo, apart from what the shop says of the item. */
function buildPredicted({ predicted }) {
  const rows = Object.entries(predicted ?? {});
  if (rows.length === 0) return null;
  const list = build("dl", { class: "attributes" });
  for (const [name, { values, accepted }] of rows) {
    const sure = values.filter(({ value }) => accepted.includes(value));
    const said = build("dd", {});
    if (sure.length === 0) {
      said.append(build("span", { class: "unsure" }, values.length > 0 ? `not sure; perhaps ${values[0].value} ` : "not sure"));
      if (values.length > 0) said.append(build("span", { class: "confidence" }, sayShare(values[0].confidence)));
    }
    for (const [index, { value, confidence }] of sure.entries()) {
      said.append(index > 0 ? ", " : "", isColor(name) ? buildColor(value) : value, " ");
      said.append(build("span", { class: "confidence" }, sayShare(confidence)));
    }
    list.append(build("div", {}, build("dt", {}, sayAttribute(name)), said));
  }
  return build("section", { class: "why predicted", "aria-labelledby": "predicted-title" },
    build("h3", { id: "predicted-title" }, "Seen in the photo"), list);
}

function buildParts({ score, parts }, ofRanks) {
  if (score === null || score === undefined) return null;
  const rows = Object.entries(parts ?? {}).sort(([a], [b]) => a.localeCompare(b));
  const list = build("dl", { class: "parts" });
  for (const [name, value] of [...(ofRanks ? [] : [["all together", score]]), ...rows]) {
    list.append(build("div", {}, build("dt", {}, name), build("dd", {}, buildScore(value))));
  }
  return build("section", { class: "why" }, build("h3", {}, "How similar"), list);
}
