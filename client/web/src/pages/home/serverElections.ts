// The elections of the server that this page came from: GET /elections, for the list on the first page and nothing else.
// What it says is the server's word; every page behind it checks against the board.

export interface ServerElection {
  readonly slug: string;
  readonly title: string;
  readonly notice: string | null;
  readonly phase: 'setup' | 'voting' | 'tally';
  /** POSIX seconds. */
  readonly opens: number;
  readonly closes: number;
  readonly size: number;
}

export type ListState = 'setup' | 'before' | 'voting' | 'ended' | 'tally';

function isElection(value: unknown): value is ServerElection {
  if (typeof value !== 'object' || value === null) return false;
  const { slug, title, notice, phase, opens, closes, size } = value as Record<string, unknown>;
  return (
    typeof slug === 'string' &&
    /^[a-z0-9][a-z0-9-]*$/.test(slug) &&
    typeof title === 'string' &&
    (notice === null || typeof notice === 'string') &&
    (phase === 'setup' || phase === 'voting' || phase === 'tally') &&
    [opens, closes, size].every((number) => Number.isSafeInteger(number))
  );
}

/** The elections in an answer of GET /elections, newest first. Throws TypeError for anything else. */
export function parseElections(answer: unknown): ServerElection[] {
  const list =
    typeof answer === 'object' && answer !== null ? (answer as { elections?: unknown }).elections : undefined;
  if (!Array.isArray(list) || !list.every(isElection)) throw new TypeError('not a list of elections');
  return list.toReversed();
}

/** Asks the server beside this page. Throws if it does not answer with a list. */
export async function fetchElections(page: string, signal: AbortSignal): Promise<ServerElection[]> {
  const response = await fetch(new URL('elections', page), {
    headers: { Accept: 'application/json' },
    credentials: 'omit',
    cache: 'no-store',
    signal,
  });
  if (!response.ok) throw new TypeError(`the server answered ${String(response.status)}`);
  return parseElections(await response.json());
}

const ORDER: readonly ListState[] = ['voting', 'before', 'setup', 'ended', 'tally'];

/** Those one can vote in first. */
export function inOrder(elections: readonly ServerElection[], now: number): ServerElection[] {
  const rank = (election: ServerElection) => ORDER.indexOf(listState(election, now));
  return elections.toSorted((one, other) => rank(one) - rank(other));
}

/** What to say of an election at the time `now` (POSIX seconds). */
export function listState({ phase, opens, closes }: ServerElection, now: number): ListState {
  if (phase !== 'voting') return phase;
  return now < opens ? 'before' : now < closes ? 'voting' : 'ended';
}

/** The board's address as links carry it: relative to the page's origin. */
export function boardOf({ slug }: ServerElection, page: string): string {
  return new URL(`elections/${slug}`, page).pathname;
}
