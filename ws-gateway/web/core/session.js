// Who is signed in. The session itself is a cookie that no script can read.
import { call, get, post } from './api.js';
import { drawer, settings } from './keep.js';

let person = null;

/** The signed-in person, or `null`. */
export const me = () => person;

/** Whether the person holds any of the roles. */
export const is = (...roles) => Boolean(person && roles.some((role) => person.roles.includes(role)));

/** Asks the server who is signed in. */
export async function recall() {
  try {
    person = await get('me');
    const { id, username, name, roles, must_change_password } = person;
    settings.set('me', { id, username, name, roles, must_change_password });
  } catch (problem) {
    // Without a network whoever was here last is here still; the server looks at every request anyhow.
    const last = problem.code === 'network' ? settings.get('me') : null;
    if (problem.status !== 401 && !last) throw problem;
    person = last;
  }
  return person;
}

/** Signs in. */
export async function signIn(username, password) {
  await post('session', { username, password });
  return recall();
}

/** Signs out; one that has ended already counts as signed out. */
export async function signOut() {
  try {
    await call('DELETE', 'session');
  } catch (problem) {
    if (problem.status !== 401) throw problem;
  }
  if (person) leave(person.id);
  person = null;
}

/** What is only kept for an exam under way does not stay for whoever comes next. Answers that wait do. */
function leave(id) {
  settings.remove('me');
  for (const name of ['paper', 'saved']) {
    const kept = drawer(`${name}:${id}:`);
    kept.keys().forEach((key) => kept.remove(key));
  }
}

/** Called when an answer showed that the session has ended. */
export function forget() {
  settings.remove('me');
  person = null;
}
