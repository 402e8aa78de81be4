// Ballots over time as the server tells it (`GET <board>/turnout`): for pages only, since no check rests on it.

export interface TurnoutPoint {
  /** POSIX seconds. */
  readonly time: number;
  readonly entries: number;
  /** Ballot entries on the board by then. */
  readonly ballots: number;
}

export interface Turnout {
  /** Seconds between two points. */
  readonly interval: number;
  readonly points: readonly TurnoutPoint[];
}

const whole = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** The server's answer, or null if it is something else: then nothing is shown. */
export function parseTurnout(answer: unknown): Turnout | null {
  if (typeof answer !== 'object' || answer === null) return null;
  const { interval, points } = answer as { interval?: unknown; points?: unknown };
  if (!whole(interval) || interval === 0 || !Array.isArray(points)) return null;
  const read: TurnoutPoint[] = [];
  for (const point of points as unknown[]) {
    if (typeof point !== 'object' || point === null) return null;
    const { time, entries, ballots } = point as Record<string, unknown>;
    if (!whole(time) || !whole(entries) || !whole(ballots)) return null;
    const last = read.at(-1);
    if (last && (time <= last.time || ballots < last.ballots)) return null;
    read.push({ time, entries, ballots });
  }
  return { interval, points: read };
}

/** At most `most` points, evenly spaced and with the last one, so that a long election still fits a phone. */
export function thinned(points: readonly TurnoutPoint[], most: number): readonly TurnoutPoint[] {
  if (points.length <= most) return points;
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, place) => points[Math.round(place * step)] as TurnoutPoint);
}
