// Encryption and proof away from the page's own thread. The seed and the choices stay where the ballot was encrypted: the
// page gets the tracking code, and then the opening or the entry, never both (docs/spec 6.3, 6.8).
import type { Bytes } from '../core/bytes.ts';
import type { BallotRequest, OnProgress } from '../core/ballot.ts';
import { SealedBallot, Spent, type Test } from './sealedBallot.ts';

/** One end of the channel between the page and the worker. */
export interface Port {
  post(message: unknown): void;
  listen(onMessage: (message: unknown) => void, onError: (reason: Error) => void): void;
  close(): void;
}

type Order =
  | { readonly do: 'seal'; readonly request: BallotRequest }
  | { readonly do: 'test' }
  | { readonly do: 'prove'; readonly secret: bigint };

type Word =
  | { readonly is: 'progress'; readonly done: number; readonly of: number }
  | { readonly is: 'sealed'; readonly trackingCode: string; readonly bodyHash: Bytes }
  | { readonly is: 'test'; readonly test: Test }
  | { readonly is: 'entry'; readonly entry: Bytes }
  | { readonly is: 'spent' }
  | { readonly is: 'fault'; readonly reason: string };

/** The worker's side: makes one ballot and does with it what it is told. */
export function serveSealing(port: Port): void {
  let ballot: SealedBallot | null = null;
  const say = (word: Word): void => port.post(word);
  const onProgress: OnProgress = (done, of) => say({ is: 'progress', done, of });
  port.listen(
    (message) => {
      const order = message as Order;
      try {
        if (order.do === 'seal') {
          ballot = new SealedBallot(order.request, onProgress);
          say({ is: 'sealed', trackingCode: ballot.trackingCode, bodyHash: ballot.bodyHash });
        } else if (ballot === null) {
          say({ is: 'fault', reason: 'there is no ballot yet' });
        } else if (order.do === 'test') {
          say({ is: 'test', test: ballot.test() });
        } else {
          say({ is: 'entry', entry: ballot.prove(order.secret, onProgress) });
        }
      } catch (error) {
        say(error instanceof Spent ? { is: 'spent' } : { is: 'fault', reason: String(error) });
      }
    },
    () => port.close(),
  );
}

/** The page's side of an encrypted ballot. */
export interface Sealed {
  readonly trackingCode: string;
  readonly bodyHash: Bytes;
  /** Throws Spent. */
  test(): Promise<Test>;
  /** Throws Spent. */
  prove(secret: bigint, onProgress?: OnProgress): Promise<Bytes>;
  /** Ends the worker, and with it everything it knows. */
  discard(): void;
}

/** Encrypts in the worker behind `port`. Throws Error if that is not possible. */
export async function seal(port: Port, request: BallotRequest, onProgress?: OnProgress): Promise<Sealed> {
  let waiting: {
    done: (word: Word) => void;
    failed: (reason: Error) => void;
    progress: OnProgress | undefined;
  } | null = null;
  port.listen(
    (message) => {
      const word = message as Word;
      if (word.is === 'progress') return waiting?.progress?.(word.done, word.of);
      const asked = waiting;
      waiting = null;
      if (word.is === 'spent') asked?.failed(new Spent('this ballot was tested or cast already'));
      else if (word.is === 'fault') asked?.failed(new Error(word.reason));
      else asked?.done(word);
    },
    (reason) => {
      waiting?.failed(reason);
      waiting = null;
    },
  );
  const order = (what: Order, progress?: OnProgress): Promise<Word> =>
    new Promise((done, failed) => {
      waiting = { done, failed, progress };
      port.post(what);
    });
  const sealed = await order({ do: 'seal', request }, onProgress).catch((reason: unknown) => {
    port.close();
    throw reason;
  });
  if (sealed.is !== 'sealed') throw new Error('the worker answered another question');
  let spent = false;
  const spend = (): void => {
    if (spent) throw new Spent('this ballot was tested or cast already');
    spent = true;
  };
  return {
    trackingCode: sealed.trackingCode,
    bodyHash: sealed.bodyHash,
    async test() {
      spend();
      const word = await order({ do: 'test' }).finally(() => port.close());
      if (word.is !== 'test') throw new Error('the worker answered another question');
      return word.test;
    },
    async prove(secret, progress) {
      spend();
      const word = await order({ do: 'prove', secret }, progress).finally(() => port.close());
      if (word.is !== 'entry') throw new Error('the worker answered another question');
      return word.entry;
    },
    discard() {
      spent = true;
      port.close();
    },
  };
}

/** Both ends in one thread, for where no worker can be made. */
export function localPort(): Port {
  let toPage: (message: unknown) => void = () => undefined;
  let toWorker: (message: unknown) => void = () => undefined;
  serveSealing({
    post: (message) => toPage(message),
    listen: (onMessage) => {
      toWorker = onMessage;
    },
    close: () => undefined,
  });
  return {
    // A breath before the work, so that the page can say what it is doing.
    post: (message) => void setTimeout(() => toWorker(message)),
    listen: (onMessage) => {
      toPage = onMessage;
    },
    close: () => undefined,
  };
}
