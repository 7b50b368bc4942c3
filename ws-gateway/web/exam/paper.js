// The paper of an attempt under way as it was last read, kept by the browser until the attempt is closed: a page that is
// opened again while the network is away goes on with it. There is no key in a paper.
import { get } from '../core/api.js';
import { drawer } from '../core/keep.js';

const papers = (person) => drawer(`paper:${person}:`);

/** Keeps it. */
export function keepPaper(person, attempt, exam) {
  if (!attempt.kept) papers(person).set(attempt.id, { attempt, exam, at: Date.now() });
}

/** Forgets one, or all of them. */
export function forgetPapers(person, only) {
  const kept = papers(person);
  kept.keys().filter((key) => !only || key === only).forEach((key) => kept.remove(key));
}

/** The attempt and its exam: from the server, and where it cannot be heard, as kept. */
export async function readPaper(person, id, unnamed) {
  try {
    const attempt = await get(`attempts/${id}`);
    const exam = await get(`exams/${attempt.exam}`).catch(() => ({ title: unnamed }));
    return { attempt, exam };
  } catch (problem) {
    const kept = problem.code === 'network' && papers(person).get(id);
    if (!kept) throw problem;
    return { exam: kept.exam, attempt: later(kept.attempt, Date.now() - kept.at, answersOf(person, id)) };
  }
}

/** The attempt as it must be after a while by the device's clock: less time, and the answers that were saved since. */
function later(attempt, passed, answers) {
  const left = attempt.state === 'open' ? Math.max(0, attempt.remaining_ms - Math.max(0, passed)) : attempt.remaining_ms;
  const time = new Date(Date.parse(attempt.server_time) + Math.max(0, passed)).toISOString();
  return { ...attempt, kept: true, remaining_ms: left, server_time: time, answers: { ...attempt.answers, ...answers } };
}

const saved = (person) => drawer(`saved:${person}:`);

/** Answers that were saved after the paper was read. */
export const answersOf = (person, id) => saved(person).get(id) || {};
export const keepAnswers = (person, id, answers) => saved(person).set(id, answers);
export const forgetAnswers = (person, id) => saved(person).remove(id);
