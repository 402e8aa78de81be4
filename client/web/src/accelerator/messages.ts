// What the page and an accelerated worker say to each other before the tasks begin.
import type { Bytes } from '../core/bytes.ts';

/** The first message to it: the engine's file, its digest in hex, and where tasks will come from. */
export interface Start {
  readonly raw: Bytes;
  readonly digest: string;
  readonly tasks: MessagePort;
}

/** Its one answer: ready, or why it cannot be used. */
export interface Equipped {
  readonly fault: string | null;
}
