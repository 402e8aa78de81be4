// Ports over what browsers have: a MessagePort between a page and its workers, or between two of them.
import type { Port } from './pool.ts';

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
