// What this browser remembers of verifications: the verdict on one exact board, and the checkpoints it accepted
// (docs/spec 9.3). Nothing of a voter. Where storage is refused, nothing is remembered.

import { EXIT_CODES, type Verdict } from '../../verifier/checks.ts';

const VERDICTS = 'retally.verdicts';
const KEPT = 'retally.kept.';
const MOST = 32;

export interface Remembered {
  readonly verdict: Verdict;
  /** How many the election has. */
  readonly witnesses: number;
  readonly election: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly root: string;
  /** POSIX seconds. */
  readonly time: number;
}

function load(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(name) ?? 'null');
  } catch {
    return null;
  }
}

function store(name: string, value: unknown): void {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // refused or full: not remembered
  }
}

function isRemembered(value: unknown): value is Remembered {
  const one = value as Partial<Remembered> | null;
  return (
    typeof one === 'object' &&
    one !== null &&
    one.verdict !== undefined &&
    Object.hasOwn(EXIT_CODES, one.verdict) &&
    [one.election, one.root].every((text) => typeof text === 'string') &&
    [one.witnesses, one.size, one.time].every((number) => typeof number === 'number')
  );
}

function verdicts(): Remembered[] {
  const stored = load(VERDICTS);
  return Array.isArray(stored) ? stored.filter(isRemembered) : [];
}

/** The last verdict of this browser on exactly this board, or null. */
export function rememberedVerdict(election: string, size: number, root: string): Remembered | null {
  return verdicts().find((one) => one.election === election && one.size === size && one.root === root) ?? null;
}

export function rememberVerdict(verdict: Remembered): void {
  const others = verdicts().filter((one) => one.election !== verdict.election || one.root !== verdict.root);
  store(VERDICTS, [verdict, ...others].slice(0, MOST));
}

/** Checkpoints of this origin that this browser accepted, as their texts. */
export function keptCheckpoints(origin: string): string[] {
  const stored = load(KEPT + origin);
  return Array.isArray(stored) ? stored.filter((one) => typeof one === 'string') : [];
}

/** Keeps a checkpoint; the oldest one is kept for ever, for it reaches back farthest. */
export function keepCheckpoint(origin: string, checkpoint: string): void {
  const known = keptCheckpoints(origin);
  if (known.includes(checkpoint)) return;
  const rest = [...known.slice(1), checkpoint].slice(-(MOST - 1));
  store(KEPT + origin, known[0] === undefined ? [checkpoint] : [known[0], ...rest]);
}
