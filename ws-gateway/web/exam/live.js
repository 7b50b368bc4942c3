// What a proctor, the clock or another device does to an attempt, heard at once. Without the stream the page finds out
// by reading the attempt when it is looked at, and by what becomes of its answers.
import { Stream } from '../core/stream.js';

/** The server tells the time twice a minute. */
const QUIET_MS = 75000;

/**
 * Listens until `signal` is aborted. `on.notice(message)` is a proctor's word, `on.extended(deadline)` more time: also
 * what was said while nobody listened. Of the rest that is over by now, the welcome has what became of it.
 */
export function listen(sitting, on, signal) {
  let standing = 0;
  return new Stream({
    purpose: 'attempt', id: sitting.id, signal, quietMs: QUIET_MS, heard: sitting.heard,
    onmessage: (message) => {
      const past = message.seq <= standing;
      if (message.t === 'welcome') standing = message.seq;
      else if (message.seq !== undefined) sitting.hear(message.seq);
      if (message.t === 'notice') on.notice(message);
      else if (message.t === 'terminated' || message.t === 'closed') on.closed();
      else if (message.t === 'welcome' || message.t === 'clock') sitting.told(message);
      else if (message.t === 'paused') {
        if (!past) sitting.told({ ...message, state: 'paused' });
        else if (sitting.state === 'paused') sitting.told({ reason: message.reason, state: 'paused', remaining_ms: sitting.countdown.remaining() });
      } else if (message.t === 'resumed' || message.t === 'extended') {
        if (!past) sitting.told({ ...message, state: message.t === 'resumed' ? 'open' : sitting.state });
        if (message.t === 'extended') on.extended(message.deadline);
      }
    },
  });
}
