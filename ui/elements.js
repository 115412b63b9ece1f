/**
 * Building elements. Data becomes text or an attribute here, never markup: nothing in this page uses innerHTML,
 * so a title with a script in it is shown as it is written.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes, listeners (`onclick: f`) and children (elements or strings).
 * An attribute that is null, undefined or false is left out; true gives an empty one.
 */
export function build(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A line drawing of one path on a 24 by 24 field, hidden from assistive technology. */
export function buildIcon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export const CROSS = "M6.5 6.5l11 11m0-11l-11 11";

/** The element with this id; index.html has it, or the page is broken and should say so at once. */
export function find(id) {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`index.html has no element #${id}`);
  return node;
}

/** Rebuilds part of the page without throwing the keyboard out of it: what had the focus is found by its `data-key`. */
export function keepFocus(part, rebuild) {
  const key = part.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  rebuild();
  if (key === undefined) return;
  const buttons = [...part.querySelectorAll("[data-key]")];
  const again = buttons.find((button) => button.dataset.key === key) ?? buttons[0] ?? find("results");
  again.focus({ preventScroll: true });
}

let announcements = 0;

/** Says a sentence to screen readers. */
export function announce(sentence) {
  // A live region is silent when its text does not change, so every other sentence ends in a no-break space.
  announcements += 1;
  find("announcer").textContent = sentence + (announcements % 2 ? "" : "\u00a0");
}
