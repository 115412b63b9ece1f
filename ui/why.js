/**
 * Why an item is a hit: parts of the score as bars, attributes of both, both palettes with their difference, and where on
 * both pictures it comes from. Asked when it is opened; knows nothing of how the hit was found.
 */

import { explain, Problem } from "./api.js";
import { build } from "./elements.js";
import { buildScore } from "./grid.js";
import { showPhoto } from "./photos.js";
import { sayAttribute, sayScore, sayShare, sayValue } from "./words.js";

/**
 * A part of the dialog that explains a hit when it is opened. `explained` is {subject, alone, title, readUrl}: what is asked
 * about as the API takes it, whether that is the whole question, how it is called, and a promise of its picture's address;
 * null gives null.
 */
export function buildWhy(hit, explained) {
  if (explained === null) return null;
  const body = build("div", { class: "reason-body", role: "status" });
  let asked = false;
  const show = async () => {
    if (asked) return;
    asked = true;
    body.replaceChildren(build("p", {}, "Comparing\u2026"));
    try {
      const question = { ...explained.subject, hit_id: hit.id, photo_index: hit.photo.index };
      const [answer, url] = await Promise.all([explain(question), explained.readUrl()]);
      body.replaceChildren(...buildReasons(answer, { ...explained, url }));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      asked = false; // opening it again asks again
      body.replaceChildren(build("p", { class: "field-problem" }, error.detail));
    }
  };
  return build("details", { class: "why reason", id: "why", ontoggle: (event) => { if (event.target.open) show(); } },
    build("summary", {}, "Why this one"), body);
}

function buildReasons(answer, { url, title, alone }) {
  return [
    build("p", { class: "reason-note" }, alone ? `Held against ${title}.` : `Held against ${title} alone, whatever else is asked about.`),
    buildWords(answer), buildParts(answer), buildPictures(answer, { url, title }), buildShared(answer), buildColors(answer),
    ...answer.notes.map(({ message }) => build("p", { class: "reason-note" }, message)),
  ].filter(Boolean);
}

/** Of words that were asked with, those that the item is described with too. */
function buildWords({ text, words }) {
  if (text === null) return null;
  const said = words.length > 0 ? `In its title and attributes: ${words.join(", ")}.` : "None of them is in its title and attributes.";
  return build("section", {}, build("h4", {}, "Words"), build("p", {}, said));
}

function buildParts({ score, parts }) {
  if (parts.length === 0) return null;
  const list = build("dl", { class: "parts" });
  list.append(build("div", {}, build("dt", {}, "all together"), build("dd", {}, buildScore(score))));
  for (const { space, weight, cosine, contribution } of parts) {
    const said = `${sayScore(cosine)} \u00d7 weight ${weight.toFixed(2)} gives ${sayScore(contribution)}`;
    list.append(build("div", {}, build("dt", {}, space),
      build("dd", {}, buildScore(contribution, said), build("span", { class: "confidence" }, said))));
  }
  return build("section", {}, build("h4", {}, "Parts of the score"), list);
}

function buildPictures({ asked_heat: askedHeat, found_heat: foundHeat, hit_photo: photo, region }, { url, title }) {
  const figures = [];
  if (askedHeat?.overlay_url) figures.push(buildPicture(url, askedHeat, { said: `Asked: ${title}`, region }));
  if (foundHeat?.overlay_url) figures.push(buildPicture(photo.url, foundHeat, { said: "Found", region: null }));
  if (figures.length === 0) return null;
  const switched = build("input", { type: "checkbox", checked: true });
  const row = build("div", { class: "heat-row" }, ...figures);
  switched.addEventListener("change", () => row.classList.toggle("cold", !switched.checked));
  return build("section", {}, build("h4", {}, "Where it comes from"), row,
    build("label", { class: "switch" }, switched, "Show the heat"));
}

/** A picture with its heat over it; of a part, the heat lies over that part alone. */
function buildPicture(url, { overlay_url: overlay, of }, { said, region }) {
  const image = build("img", { class: "heat-photo", alt: said });
  const heat = build("img", { class: "heat-overlay", alt: "", src: overlay });
  const [left, top, right, bottom] = of === "region" && region ? region : [0, 0, 1, 1];
  heat.style.left = `${left * 100}%`;
  heat.style.top = `${top * 100}%`;
  heat.style.width = `${(right - left) * 100}%`;
  heat.style.height = `${(bottom - top) * 100}%`;
  showPhoto(image, url);
  return build("figure", { class: "heat" }, build("div", { class: "heat-frame" }, image, heat), build("figcaption", {}, said));
}

function buildShared({ attributes }) {
  const shared = attributes.filter(({ agrees }) => agrees);
  const others = attributes.filter(({ agrees }) => !agrees);
  if (attributes.length === 0) return null;
  const list = build("dl", { class: "attributes" });
  for (const { name, shared: values, found } of shared) {
    const said = values.map(sayValue).join(", ") || found.values.map(sayValue).join(", ");
    list.append(build("div", {}, build("dt", {}, sayAttribute(name)), build("dd", {}, said, saySource(found))));
  }
  const differing = others.map(({ name, asked, found }) =>
    `${sayAttribute(name)}: ${asked.values.map(sayValue).join(", ")} against ${found.values.map(sayValue).join(", ")}`);
  return build("section", {}, build("h4", {}, shared.length > 0 ? "In both" : "No attribute in both"), list,
    differing.length > 0 ? build("p", { class: "reason-note" }, `Different: ${differing.join("; ")}.`) : null);
}

function saySource({ source, confidence }) {
  if (source !== "predicted") return "";
  return build("span", { class: "confidence" }, ` seen in the photo${confidence === null ? "" : `, ${sayShare(confidence)}`}`);
}

function buildColors({ colors }) {
  if (colors === null) return null;
  return build("section", {}, build("h4", {}, "Colours"),
    buildPalette("Asked", colors.asked), buildPalette("Found", colors.found),
    build("p", { class: "reason-note" },
      `Main colours differ by ${colors.main.toFixed(1)}, palettes by ${colors.palettes.toFixed(1)} (CIEDE2000: 1 is just seen, 100 is black to white).`));
}

function buildPalette(label, palette) {
  const bar = build("div", { class: "palette", role: "img", "aria-label": palette.map(({ color, share }) => `${color} ${sayShare(share)}`).join(", ") });
  for (const { color, share } of palette) {
    const field = build("span", { title: `${color} ${sayShare(share)}` });
    field.style.backgroundColor = color;
    field.style.flexGrow = String(share);
    bar.append(field);
  }
  return build("div", { class: "palette-row" }, build("span", {}, label), bar);
}
