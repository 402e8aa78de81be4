// One end of a channel to a worker: what a browser's Worker and Node's worker_threads have in common.

export interface Port {
  post(message: unknown, transfer: ArrayBuffer[]): void;
  listen(onMessage: (message: unknown) => void, onError: (reason: Error) => void): void;
  close(): void;
}

/** A port over a browser's MessagePort, between a page and its workers or between two of them. */
export function portOf(channel: MessagePort): Port {
  return {
    post: (message, transfer) => channel.postMessage(message, transfer),
    listen: (onMessage, onError) => {
      channel.onmessage = (event: MessageEvent<unknown>) => onMessage(event.data);
      channel.onmessageerror = () => onError(new Error('a message that could not be read'));
    },
    close: () => channel.close(),
  };
}
