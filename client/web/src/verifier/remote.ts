// How the page and the coordinating worker talk: the worker verifies, the page reads the board's files for it, so that
// every kind of board (over HTTP, from a folder, in memory) works the same, under the page's own security policy.
import { reasonOf } from '../core/errors.ts';
import type { Bytes } from '../core/bytes.ts';
import type { TrustPolicy } from '../board/policy.ts';
import { TooLong, Unreachable, type BoardSource } from '../board/source.ts';
import { Aborted, Control, type Progress } from './control.ts';
import { CallingThread, WorkerPool } from './pool.ts';
import { portOf } from './ports.ts';
import type { Report } from './report.ts';
import { verify } from './verify.ts';

/** What a new worker is told to be. */
export type Role =
  | { readonly role: 'prove'; readonly tasks: MessagePort }
  | {
      readonly role: 'coordinate';
      readonly page: MessagePort;
      readonly provers: readonly MessagePort[];
      readonly location: string;
      readonly policy: TrustPolicy;
      readonly kept: readonly Bytes[];
      readonly receipts: readonly Bytes[];
    };

/** A worker's first message: it runs, and waits for its role. */
export const READY = 'ready';

interface Fault {
  readonly name: string;
  readonly message: string;
}

type FromWorker =
  | { readonly type: 'read'; readonly id: number; readonly path: string; readonly limit: number }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'report'; readonly report: Report }
  | { readonly type: 'error'; readonly fault: Fault };

type FromPage =
  | { readonly type: 'file'; readonly id: number; readonly raw: Bytes | null }
  | { readonly type: 'unread'; readonly id: number; readonly fault: Fault }
  | { readonly type: 'pause' | 'resume' | 'abort' };

/** In the coordinating worker: one verification from beginning to end. */
export async function coordinate(role: Role & { role: 'coordinate' }): Promise<void> {
  const { page, provers, policy, kept, receipts } = role;
  const post = (message: FromWorker) => page.postMessage(message);
  const control = new Control();
  const source = new RemoteBoard(role.location, post);
  page.onmessage = (event: MessageEvent<FromPage>) => {
    const message = event.data;
    if (message.type === 'file' || message.type === 'unread') source.answered(message);
    else control[message.type]();
  };
  const pool = provers.length > 0 ? new WorkerPool(provers.map(portOf)) : new CallingThread();
  try {
    const onProgress = (progress: Progress) => post({ type: 'progress', progress });
    const report = await verify(source, policy, { kept, receipts, pool, control, onProgress });
    post({ type: 'report', report });
  } catch (error) {
    post({ type: 'error', fault: faultOf(error) });
  } finally {
    pool.close();
  }
}

/** A board whose files are read by the page at the other end of the port. */
class RemoteBoard implements BoardSource {
  readonly #waiting = new Map<number, { done: (raw: Bytes | null) => void; failed: (reason: Error) => void }>();
  #last = 0;

  constructor(
    readonly location: string,
    readonly post: (message: FromWorker) => void,
  ) {}

  read(path: string, limit: number): Promise<Bytes | null> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((done, failed) => {
      this.#waiting.set(id, { done, failed });
      this.post({ type: 'read', id, path, limit });
    });
  }

  answered(message: FromPage & { type: 'file' | 'unread' }): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === 'file') waiting?.done(message.raw);
    else waiting?.failed(errorOf(message.fault));
  }
}

/** In the page: answers the worker's questions, and settles with its report. */
export function attend(
  port: MessagePort,
  source: BoardSource,
  control: Control,
  onProgress: (progress: Progress) => void,
): Promise<Report> {
  const post = (message: FromPage, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const stop = control.follow((change) => post({ type: change }));
  return new Promise<Report>((resolve, reject) => {
    port.onmessage = (event: MessageEvent<FromWorker>) => {
      const message = event.data;
      if (message.type === 'progress') onProgress(message.progress);
      else if (message.type === 'report') resolve(message.report);
      else if (message.type === 'error') reject(errorOf(message.fault));
      else void answer(message);
    };
    async function answer({ id, path, limit }: FromWorker & { type: 'read' }): Promise<void> {
      try {
        const raw = await source.read(path, limit);
        // A copy when the file's bytes are part of something larger, for only whole buffers can be handed over.
        const own = raw === null ? null : raw.slice();
        post({ type: 'file', id, raw: own }, own === null ? [] : [own.buffer]);
      } catch (error) {
        post({ type: 'unread', id, fault: faultOf(error) });
      }
    }
  }).finally(stop);
}

/** Errors lose their class on the way through a port; those that mean something get it back. */
function faultOf(error: unknown): Fault {
  const message = reasonOf(error);
  if (error instanceof TooLong) return { name: 'TooLong', message };
  if (error instanceof Unreachable) return { name: 'Unreachable', message };
  if (error instanceof Aborted) return { name: 'Aborted', message };
  return { name: 'Error', message };
}

function errorOf({ name, message }: Fault): Error {
  if (name === 'TooLong') return new TooLong(message);
  if (name === 'Unreachable') return new Unreachable(message);
  return name === 'Aborted' ? new Aborted() : new Error(message);
}
