/** The bar at the top: what is being asked, with its picture and a button to take it away. */

import { find } from "./elements.js";
import { showPhoto } from "./photos.js";

const PICTURE = "Your picture";
const LOOKALIKES = "Items that look like your picture";
const INVITATION = "Drop, paste or choose one.";
let shown = null; // address of the picture in the bar

/** Wires the buttons: the one that takes the picture away, and the one to choose a part of it. */
export function openQuery({ onRemove, onPart }) {
  find("part").addEventListener("click", onPart);
  find("query-remove").addEventListener("click", () => {
    onRemove();
    find("choose").focus({ preventScroll: true });
  });
}

/** Nothing asked: the invitation. */
export function showInvitation() {
  show({ title: "Find it with a picture", hint: INVITATION, url: null });
}

/** A picture from this device, shown at once, before the server has seen it. */
export function showFile(file) {
  const url = URL.createObjectURL(file);
  // The decoded picture stays with the element; the address would keep the whole file in memory.
  for (const outcome of ["load", "error"]) find("query-photo").addEventListener(outcome, () => URL.revokeObjectURL(url), { once: true });
  show({ title: LOOKALIKES, hint: file.name || "Pasted picture", url, alt: PICTURE });
}

/** The file shown is now known to the server under `url`: not loaded again, unless the browser could not draw it (TIFF). */
export function adoptFile(url) {
  if (!find("query-photo").classList.contains("missing")) shown = url;
}

/** A picture the server knows by its address; of that, a part can be chosen. */
export function showPicture(url) {
  show({ title: LOOKALIKES, hint: "Drop, paste or choose another one.", url, alt: PICTURE, parted: true });
}

/** An item to be similar to. */
export function showItem({ title, url }) {
  show({ title: "Similar items", hint: title, url, alt: title });
}

function show({ title, hint, url, alt = "", parted = false }) {
  find("query-title").textContent = title;
  find("query-hint").textContent = hint;
  find("query").classList.toggle("asked", url !== null);
  find("choose").textContent = url === null ? "Choose a picture" : "Another picture";
  find("part").hidden = !parted;
  const image = find("query-photo");
  image.hidden = url === null;
  image.alt = alt;
  const remove = find("query-remove");
  remove.hidden = url === null;
  remove.setAttribute("aria-label", alt === PICTURE ? "Remove your picture" : `Stop asking for items similar to ${alt}`);
  if (url === null) image.removeAttribute("src");
  else if (url !== shown) showPhoto(image, url);
  shown = url;
}
