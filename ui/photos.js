/**
 * Showing pictures. Where the server wants an API key an <img> cannot send it, so the bytes are fetched and shown
 * from memory; everywhere else the browser loads them itself, lazily and with its cache.
 */

import { readKey, readPicture } from "./api.js";

const waiting = new Map();
const observer = new IntersectionObserver(loadVisible, { rootMargin: "400px" });

/** Shows the picture at `url`, now or when it comes near the screen. A picture that cannot be had leaves its frame empty. */
export function showPhoto(image, url) {
  image.classList.remove("loaded", "missing");
  image.onload = () => image.classList.add("loaded");
  image.onerror = () => image.classList.add("missing");
  if (readKey() === null || url.startsWith("blob:")) {
    image.src = url;
    return;
  }
  waiting.set(image, url);
  observer.observe(image);
}

function loadVisible(entries) {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    const url = waiting.get(target);
    waiting.delete(target);
    if (url) loadWithKey(target, url);
  }
}

async function loadWithKey(image, url) {
  let local;
  try {
    local = URL.createObjectURL(await readPicture(url));
  } catch {
    image.classList.add("missing");
    return;
  }
  // Decoded bytes stay with the image, so the address can be given back at once; otherwise every page view leaks.
  image.addEventListener("load", () => URL.revokeObjectURL(local), { once: true });
  image.src = local;
}
