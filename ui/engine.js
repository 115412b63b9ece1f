/**
 * Who looks at the picture: the catalogue's own classifier, which speaks along with the search, or a network on pixels,
 * as it is or spiking, which is asked once the hits are there. Knows the choice and the answers; `seen.js` draws them.
 */

import { classify, classifyFile, Problem } from "./api.js";
import { announce, build, find } from "./elements.js";
import { awaitSeen, hideSeen, LOOKING, saySeen, showSeen, showUnseen } from "./seen.js";
import { setEngine } from "./state.js";
import { sayCount, sayTook } from "./words.js";

const HEADS = "heads";
const SPIKING = "snn";
const NAMES = { [HEADS]: "the catalogue's classifier", cnn: "a network on pixels", [SPIKING]: "the same network, spiking" };
const STARTING = `${LOOKING} the first spiking answer takes some seconds.`;
const KEPT_ANSWERS = 20;

let engines = [];
let spiked = false; // the server's spiking process runs, as far as this visit knows
const answers = new Map(); // by engine and photo
const pending = new Map(); // the same, on their way

/** The engines a server offers, the one that looks when nothing was chosen first. */
export const listEngines = (info) =>
  [...(info.classifier ? [HEADS] : []), ...info.engines].filter((name) => Object.hasOwn(NAMES, name));

/** Fills the select, which is there where there is a choice; `onChoose` is called with the engine chosen. */
export function openEngine({ offered, onChoose }) {
  engines = offered;
  find("engine-field").hidden = engines.length < 2;
  find("engine").replaceChildren(...engines.map((name) => build("option", { value: name }, NAMES[name])));
  find("engine").addEventListener("change", () => onChoose(find("engine").value));
}

/** The same question, its picture looked at by another engine. */
export const chooseEngine = (state, engine) => setEngine(state, engine, engines);

/**
 * Shows what is known by now of what the chosen engine sees, or keeps the place for it; true if it is known. `seen` is
 * what the last search has said, null before; `photo` may be a file that the server has not named yet.
 */
export function showKnown(state, { seen = null, photo = state.photo } = {}) {
  const engine = readEngine(state);
  find("engine").value = engine;
  find("seen").dataset.engine = engine; // how much place its answer needs
  if (!photo || engine === null) {
    hideSeen();
    return true;
  }
  const answer = engine === HEADS ? seen : answers.get(toKey(engine, state.photo));
  if (answer?.attributes && photo === state.photo) {
    showSeen(state, answer, sayWork(answer));
    return true;
  }
  awaitSeen(engine === SPIKING && !spiked ? STARTING : LOOKING);
  return false;
}

/**
 * Shows what the chosen engine sees in a state's picture, and asks it where that is not known; `file` is the picture
 * itself, where this visit has it. An answer that comes when `signal` has been aborted is kept but not shown: the
 * server finishes what it has begun, and the next question may well be about the same picture.
 */
export async function look(state, { seen, file, signal }) {
  if (showKnown(state, { seen })) return;
  const engine = readEngine(state);
  if (engine === HEADS) {
    hideSeen(); // the catalogue has lost its classifier meanwhile
    return;
  }
  try {
    await ask(engine, state.photo, file);
    if (signal.aborted) return;
    showKnown(state);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (signal.aborted) return;
    const hopeless = error.status >= 400 && error.status < 500 && error.status !== 429;
    showUnseen(error, hopeless ? null : () => look(state, { seen, file, signal }));
  }
  announce(saySeen());
}

const readEngine = (state) => state.engine ?? engines[0] ?? null;
const toKey = (engine, photo) => `${engine} ${photo}`;

/** One request for one picture, however often it is asked for meanwhile. */
function ask(engine, photo, file) {
  const key = toKey(engine, photo);
  if (!pending.has(key)) pending.set(key, send(engine, photo, file).finally(() => pending.delete(key)));
  return pending.get(key);
}

async function send(engine, photo, file) {
  const answer = await classify(engine, photo).catch((error) => {
    if (error.code !== "photo_expired" || !file) throw error;
    return classifyFile(engine, file);
  });
  if (answer.spiking) spiked = true;
  answers.set(toKey(engine, photo), answer);
  if (answers.size > KEPT_ANSWERS) answers.delete(answers.keys().next().value);
}

/** "Decided after 5 of 8 time steps, 41,203 spikes, 95 ms.", "3 ms"; null where it came along with the search. */
function sayWork({ engine, spiking, took_ms: took }) {
  if (engine === undefined) return null;
  if (!spiking) return sayTook(took.classify);
  const { steps, most_steps: most, spikes } = spiking;
  return `Decided after ${steps} of ${most} time steps, ${sayCount(spikes)} spikes, ${sayTook(took.classify)}.`;
}
