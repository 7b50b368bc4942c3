import { LessonClient, LessonEvents, LessonPlayer, PlayerAct } from './exam-lesson-core.js';

export * from './exam-lesson-core.js';

/**
 * `<exam-lesson>`. Attributes: `lesson`, `for`, `ticket-endpoint`, `server`, `parent-origin`, `keep-playing-hidden`, `lang`,
 * `theme`, `nonce`. Every event of `LessonEvents` is a `CustomEvent` on it that bubbles and is composed.
 */
export class ExamLesson extends HTMLElement {
  /** Promises a fresh ticket; goes before `ticket-endpoint`. */
  ticket: (() => Promise<string>) | undefined;
  /** A player that is no media element. */
  player: LessonPlayer | undefined;
  /** While it is connected to a page with a lesson, a player and a way to get tickets. */
  readonly client: LessonClient | null | undefined;
  /** What the foreign player did. */
  notify(act: PlayerAct): void;
  /** Goes on after `takenover` or an error that was not temporary. */
  continueHere(): void;
}

/** Rich text as nodes that cannot run anything, whatever the text holds. */
export function richText(html: string): DocumentFragment;

/** What a framed `<exam-lesson parent-origin>` sends to the page around it. */
export type FrameMessage =
  | { exam_lesson: 1; type: 'ticket'; detail: { lesson: string } }
  | { [Type in keyof LessonEvents]: { exam_lesson: 1; type: Type; detail: LessonEvents[Type] } }[keyof LessonEvents];

/** What the page around it may answer. */
export type FrameCommand =
  | { exam_lesson: 1; type: 'ticket'; ticket: string }
  | { exam_lesson: 1; type: 'play' | 'pause' | 'continue' };

declare global {
  interface HTMLElementTagNameMap {
    'exam-lesson': ExamLesson;
  }
}
