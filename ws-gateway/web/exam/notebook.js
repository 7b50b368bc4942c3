// The notebook of wrong answers: what practice showed to be wrong, kept in this browser for this person. The server
// keeps no such list; another device has a notebook of its own.
import { plain } from '../core/dom.js';
import { drawer } from '../core/keep.js';
import { me } from '../core/session.js';

const MOST = 300;

const own = () => drawer(`notebook:${me().id}:`);

/** A question is the same question when its words are. */
const name = (slot) => {
  let hash = 5381;
  const words = `${slot.kind} ${plain(slot.stem)} ${(slot.options || []).map((option) => plain(option.text)).sort().join(' ')}`;
  for (let index = 0; index < words.length; index += 1) hash = (hash * 33 + words.charCodeAt(index)) >>> 0;
  return hash.toString(36);
};

/** What practice said about a question: a wrong one is taken in, a right one is marked as learned. */
export function note(exam, slot, response, feedback) {
  const notebook = own();
  const key = name(slot);
  const known = notebook.get(key);
  if (feedback.correct) {
    if (known) notebook.set(key, { ...known, learned: true });
    return;
  }
  const { kind, stem, options, targets } = slot;
  notebook.set(key, {
    exam, slot: { kind, stem, options, targets }, response, key: feedback.key, explanation: feedback.explanation,
    times: (known ? known.times : 0) + 1, at: new Date().toISOString(), learned: false,
  });
  const all = list();
  all.slice(MOST).forEach((entry) => notebook.remove(entry.name));
}

/** All of it, the latest first, learned ones last. */
export function list() {
  const notebook = own();
  const all = notebook.keys().map((key) => ({ name: key, ...notebook.get(key) })).filter((entry) => entry.slot);
  return all.sort((one, two) => Number(one.learned) - Number(two.learned) || two.at.localeCompare(one.at));
}

/** Takes a question out. */
export const remove = (key) => own().remove(key);
