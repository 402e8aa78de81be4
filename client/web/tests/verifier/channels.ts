// Ports without threads for tests: messages are cloned and handed over as a worker's would be.
import { serveTasks } from '../../src/verifier/pool.ts';
import type { Port } from '../../src/verifier/ports.ts';

export interface Channel {
  readonly near: Port;
  readonly far: Port;
  readonly die: (reason: Error) => void;
}

export function channel(): Channel {
  const listeners: Record<'near' | 'far', (message: unknown) => void> = { near: () => {}, far: () => {} };
  let failed: (reason: Error) => void = () => {};
  const end = (own: 'near' | 'far', other: 'near' | 'far'): Port => ({
    post: (message, transfer) => {
      const copy: unknown = structuredClone(message, { transfer });
      setTimeout(() => listeners[other](copy));
    },
    listen: (onMessage, onError) => {
      listeners[own] = onMessage;
      if (own === 'near') failed = onError;
    },
    close: () => {},
  });
  return { near: end('near', 'far'), far: end('far', 'near'), die: (reason) => failed(reason) };
}

/** Ports to so many workers that do their tasks. */
export function channels(count: number): Port[] {
  return Array.from({ length: count }, () => {
    const { near, far } = channel();
    serveTasks(far);
    return near;
  });
}
