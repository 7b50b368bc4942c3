// Exams of the tests' own, and whoever knows their keys.
import assert from 'node:assert/strict';

/** The exam of that code, as its author wrote it. */
export const examOf = async (author, code) => (await author.ask('GET', 'authored/exams?limit=500')).items.find((exam) => exam.code === code);

/** The items of the demo bank of that code, by stem. */
export async function keysOf(author, code = 'gongxu') {
  const bank = (await author.ask('GET', 'banks')).items.find((one) => one.code === code);
  return new Map((await author.ask('GET', `banks/${bank.id}/export?format=json`)).items.map((item) => [item.stem, item]));
}

/** A short exam of its own kind, so that a test does not disturb the others. */
export async function makeExam(author, code, rules = {}) {
  const { id, state, bank_version: version, ...body } = await examOf(author, 'gx-ty-ks');
  const made = await author.ask('POST', 'exams', { ...body, code, title: `考试 ${code}`, audience: undefined, ...rules });
  await author.ask('POST', `exams/${made.id}/publish`);
  return made.id;
}

export const slotsOf = (attempt) => attempt.paper.sections.flatMap((section) => section.slots);

/** Which options of a question of choice are right, by their place. */
export function rightOptions(keys, slot) {
  const item = keys.get(slot.stem);
  assert.ok(item, slot.stem);
  const right = new Set(item.options.filter((option) => option.correct).map((option) => option.text));
  return slot.options.map((option, index) => (right.has(option.text) ? index : -1)).filter((index) => index >= 0);
}

/** Starts, calls `begun`, answers rightly what `wrong` does not name, hands in; the attempt with its result. */
export async function take(learner, exam, keys, { mode = 'exam', wrong = [], begun = () => {} } = {}) {
  const attempt = await learner.ask('POST', `exams/${exam}/attempts`, { command_id: crypto.randomUUID(), mode });
  await begun(attempt);
  for (const slot of slotsOf(attempt)) {
    const right = rightOptions(keys, slot);
    const shown = wrong.includes(slot.slot) ? [slot.options.findIndex((option, index) => !right.includes(index))] : right;
    const response = { choices: shown.map((index) => slot.options[index].id) };
    await learner.ask('PUT', `attempts/${attempt.id}/answers/${slot.slot}`, { command_id: crypto.randomUUID(), response });
  }
  return { attempt, result: await learner.ask('POST', `attempts/${attempt.id}/submission`, { command_id: crypto.randomUUID() }) };
}
