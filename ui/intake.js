/** The ways a picture gets into the page: drop anywhere, paste, choose, camera. Each ends in `onPicture(file)`. */

import { find } from "./elements.js";

/** Wires every way in. */
export function openIntake(onPicture) {
  listenToDrops(onPicture);
  document.addEventListener("paste", (event) => {
    const file = pickPicture(event.clipboardData?.files);
    if (!file) return; // text pasted into a field is none of our business
    event.preventDefault();
    onPicture(file);
  });
  find("choose").addEventListener("click", () => choosePicture());
  find("camera").addEventListener("click", () => find("camera-file").click());
  for (const id of ["file", "camera-file"]) {
    find(id).addEventListener("change", ({ target }) => {
      const file = target.files[0];
      // Emptied, because choosing the same file twice would otherwise change nothing.
      target.value = "";
      if (file) onPicture(file);
    });
  }
}

/** Opens the file dialog; must come from something the user did, or the browser refuses. */
export function choosePicture() {
  find("file").click();
}

function listenToDrops(onPicture) {
  const overlay = find("drop");
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  // Enter and leave fire for every element passed, so the overlay closes by silence: dragover repeats while it lasts.
  let closing;
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    overlay.hidden = false;
    clearTimeout(closing);
    closing = setTimeout(() => { overlay.hidden = true; }, 400);
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    clearTimeout(closing);
    overlay.hidden = true;
    const file = pickPicture(event.dataTransfer.files);
    if (file) onPicture(file);
  });
}

/** The first picture among files; else the first file, so that the server can say what is wrong with it. */
function pickPicture(files) {
  const all = [...(files ?? [])];
  return all.find((file) => file.type.startsWith("image/")) ?? all[0] ?? null;
}
