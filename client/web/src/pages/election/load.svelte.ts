// The election that the address names, read from its board: loading, failed or there. Used by the public pages.

import { reasonOf } from '../../core/errors.ts';
import { route, resolveBoard } from '../../app/router.svelte.ts';
import { HttpBoard, Unreachable } from '../../board/source.ts';
import { readElection, type ElectionView } from '../../results/electionView.ts';

export type Loaded =
  | { readonly status: 'loading' | 'no board' }
  | { readonly status: 'failed'; readonly unreachable: boolean; readonly reason: string }
  | { readonly status: 'ready'; readonly view: ElectionView; readonly readAt: Date };

/** A reactive reading of the board in the address; `again` reads it once more and keeps what is shown meanwhile. */
export function loadElection(): {
  readonly current: Loaded;
  readonly board: string;
  readonly again: () => Promise<void>;
} {
  let current = $state.raw<Loaded>({ status: 'loading' });
  let readings = 0;
  const board = $derived(route.params['board'] ?? '');
  const election = $derived(route.params['election'] ?? null);

  async function again(): Promise<void> {
    const reading = (readings += 1);
    const found = board === '' ? ({ status: 'no board' } as const) : await read(board, election);
    if (reading === readings) current = found;
  }

  $effect(() => {
    current = { status: 'loading' };
    void again();
  });

  return {
    get current(): Loaded {
      return current;
    },
    get board(): string {
      return board;
    },
    again,
  };
}

async function read(board: string, election: string | null): Promise<Loaded> {
  try {
    const source = new HttpBoard(resolveBoard(board, location.href).href);
    return { status: 'ready', view: await readElection(source, election), readAt: new Date() };
  } catch (error) {
    const reason = reasonOf(error);
    return { status: 'failed', unreachable: error instanceof Unreachable, reason };
  }
}
