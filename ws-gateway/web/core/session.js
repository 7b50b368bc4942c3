// Who is signed in. The session itself is a cookie that no script can read.
import { call, get, post } from './api.js';

let person = null;

/** The signed-in person, or `null`. */
export const me = () => person;

/** Whether the person holds any of the roles. */
export const is = (...roles) => Boolean(person && roles.some((role) => person.roles.includes(role)));

/** Asks the server who is signed in. */
export async function recall() {
  try {
    person = await get('me');
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    person = null;
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
  person = null;
}

/** Called when an answer showed that the session has ended. */
export function forget() {
  person = null;
}
