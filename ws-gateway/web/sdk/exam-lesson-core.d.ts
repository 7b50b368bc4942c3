/** A player: `<video>` by `mediaPlayer()`, or any other by the first four functions. Positions are milliseconds. */
export interface LessonPlayer {
  play(): unknown;
  pause(): unknown;
  position(): number;
  seek(ms: number): unknown;
  /** Whether it plays; without it the client goes by `notify()`. */
  playing?(): boolean;
  /** How fast it plays; 1 without it. */
  rate?(): number;
  /** Slows it down to what earns. */
  setRate?(rate: number): void;
  /** Tells of each act until the function that it returns is called; without it the page calls `notify()`. */
  listen?(notify: (act: PlayerAct) => void): () => void;
}

export type PlayerAct = 'play' | 'pause' | 'seek' | 'ratechange';

export type LessonState = 'idle' | 'connecting' | 'live' | 'waiting' | 'takenover' | 'failed' | 'complete';

/** Why the player may not play; empty while it may. */
export type LockReason = '' | 'connecting' | 'challenge' | 'cooldown' | 'offline' | 'hidden' | 'takenover' | 'failed';

export type QuestionKind =
  'single_choice' | 'multiple_choice' | 'true_false' | 'numeric' | 'short_text' | 'ordering' | 'matching';

/** `text` is HTML that the server has sanitized; show it through `richText()` all the same. */
export interface Option {
  id: string;
  text: string;
}

export interface Challenge {
  challenge: string;
  kind: QuestionKind;
  stem: string;
  options?: Option[];
  /** The right side of a `matching` question. */
  targets?: Option[];
  answer_within_ms?: number;
  /** By this page's clock, as `Date.now()`; 0 without a limit. */
  answer_by: number;
  /** The time is over: `askAgain()` gets another question. */
  expired: boolean;
}

export type LessonResponse =
  | { choices: string[] }
  | { number: number }
  | { text: string }
  | { order: string[] }
  | { pairs: [string, string][] };

export interface Progress {
  covered_ms: number;
  furthest_ms: number;
}

export interface Verdict {
  challenge: string;
  correct: boolean;
  continue: boolean;
  next_in_ms?: number;
  rewind_to_ms?: number;
}

/** What each event carries. */
export interface LessonEvents {
  /** The first welcome: what is known of the lesson. `resumed`: a session went on, as after a reload. */
  ready: Progress & { session: string; lesson: string; duration_ms: number; max_rate: number; resumed: boolean };
  state: { state: LessonState };
  credit: Progress & { n: number };
  challenge: Challenge;
  /** The open question was not answered in time. */
  expired: Challenge;
  verdict: Verdict;
  locked: { reason: LockReason };
  /** Playing is free again; `reason` is what it was locked for. */
  resumed: { reason: LockReason };
  /** A newer session of the person took over; `continueHere()` takes it back. */
  takenover: Record<string, never>;
  complete: { hours_granted: number };
  /** What the server has to say, or, with `code` and no text, what the client did: `seek_back`. */
  notice: { level: 'info' | 'warning'; text: string; code?: 'seek_back' };
  /** `temporary: false` with the state `failed` is the end until `continueHere()`. */
  error: { code: string; temporary: boolean };
}

export interface LessonOptions {
  /** The lesson's id. */
  lesson: string;
  /** `wss://…/api/v1/stream`. */
  url: string;
  /** Promises a fresh single-use ticket; throws a `FinalError` if asking again is useless. */
  ticket(): Promise<string>;
  /** Is told everything. */
  on<Type extends keyof LessonEvents>(type: Type, detail: LessonEvents[Type]): void;
  player?: LessonPlayer;
  /** Default true. Hidden time earns nothing either way. */
  pauseWhenHidden?: boolean;
  /** In place of `globalThis`, for tests. */
  env?: unknown;
}

/** A failure that trying again does not mend. */
export class FinalError extends Error {
  constructor(code: string);
  readonly code: string;
}

/** One lesson on one page. */
export class LessonClient {
  constructor(options: LessonOptions);
  readonly state: LessonState;
  readonly locked: LockReason;
  readonly challenge: Challenge | null;
  /** The answer that waits for its verdict. */
  readonly pending: { command_id: string; challenge: string; response: LessonResponse } | null;
  /** When the next question comes after a wrong answer, as `Date.now()`; 0 otherwise. */
  readonly cooldownUntil: number;
  /** While `waiting`: when the next try is made, as `Date.now()`. */
  readonly retryAt: number;
  readonly coveredMs: number;
  readonly furthestMs: number;
  readonly durationMs: number;
  readonly maxRate: number;
  /** Connects, and stays connected until `stop()`. */
  start(): void;
  /** Disconnects and lets go of the player and the page. */
  stop(): void;
  /** Gives the client its player, or takes it away. */
  attach(player?: LessonPlayer): void;
  /** Tells what the player did. */
  notify(act: PlayerAct): void;
  /** Answers the open question; returns the command's id. A second call before the verdict changes nothing. */
  answer(response: LessonResponse): string;
  /** Gets another question for one that has expired. */
  askAgain(): void;
  /** Goes on after `takenover` or `failed`. */
  continueHere(): void;
}

/** A player over a media element. */
export function mediaPlayer(media: HTMLMediaElement): Required<LessonPlayer>;

/** POSTs `{"purpose": "lesson", "id": lesson}` to an address of the page's own origin and returns its `ticket`. */
export function fetchTicket(endpoint: string, lesson: string): Promise<string>;
