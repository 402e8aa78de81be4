// The bits of a ballot (docs/spec 6.1, 6.2): weights whose subset sums are exactly 0..D, and what a choice sets.

/** What this page needs to know of a contest of the manifest. */
export interface ContestLimits {
  readonly options: readonly unknown[];
  readonly limit: 'total' | 'option';
  readonly score: number;
  readonly min: number;
  readonly max: number;
}

/** What this page needs to know of a manifest. */
export interface BallotManifest {
  readonly contests: readonly (ContestLimits & { readonly id: string })[];
  readonly styles: readonly { readonly id: string; readonly contests: readonly string[] }[];
}

/** weights(D) for D in 0..2³²−1. */
export function weights(largest: number): number[] {
  const powers: number[] = [];
  let sum = 0;
  while (2 * sum + 1 <= largest) {
    powers.push(sum + 1);
    sum = 2 * sum + 1;
  }
  return sum < largest ? [...powers, largest - sum] : powers;
}

/** bits(D, v): one 0 or 1 for each of weights(D), of sum v. */
export function bits(largest: number, value: number): number[] {
  if (!Number.isInteger(value) || value < 0 || value > largest)
    throw new RangeError(`${value} is not in 0..${largest}`);
  const every = weights(largest);
  const taken = every.map(() => 0);
  let left = value;
  for (let at = every.length - 1; at >= 0; at -= 1) {
    const weight = every[at] as number;
    if (weight > left) continue;
    taken[at] = 1;
    left -= weight;
  }
  return taken;
}

/** The weights of each option's bits, and of the slack's that follow the last option's. */
export interface ContestBits {
  readonly optionWeights: readonly number[];
  readonly slackWeights: readonly number[];
}

export function contestBits(contest: ContestLimits): ContestBits {
  return {
    optionWeights: weights(contest.score),
    slackWeights: contest.limit === 'total' ? weights(contest.max - contest.min) : [],
  };
}

/** The weights of all bits of a contest, options first. */
export function contestWeights(contest: ContestLimits): number[] {
  const { optionWeights, slackWeights } = contestBits(contest);
  return [...contest.options.flatMap(() => optionWeights), ...slackWeights];
}

/** n: how many bits, and so how many ciphertexts, a ballot with these contests has. */
export function ballotLength(contests: readonly ContestLimits[]): number {
  return contests.reduce((sum, contest) => {
    const { optionWeights, slackWeights } = contestBits(contest);
    return sum + contest.options.length * optionWeights.length + slackWeights.length;
  }, 0);
}

/** Where a style stands in the manifest, and its contests in order; undefined if there is no such style. */
export function styleOf<Manifest extends BallotManifest>(
  manifest: Manifest,
  id: string,
): { readonly index: number; readonly contests: Manifest['contests'][number][] } | undefined {
  const index = manifest.styles.findIndex((style) => style.id === id);
  const style = manifest.styles[index];
  if (style === undefined) return undefined;
  const contests = style.contests.map((name) => {
    const found = manifest.contests.find((contest) => contest.id === name);
    if (found === undefined)
      throw new RangeError(`style ${id} names contest ${name}, which the manifest does not have`);
    return found;
  });
  return { index, contests };
}

/** Why these values for the options of one contest are not a choice (6.2); null if they are one. */
export type ChoiceFault = 'count' | 'score' | 'too few' | 'too many';

export function choiceFault(contest: ContestLimits, values: readonly number[]): ChoiceFault | null {
  if (values.length !== contest.options.length) return 'count';
  if (values.some((value) => !Number.isInteger(value) || value < 0 || value > contest.score)) return 'score';
  if (contest.limit === 'option') return null;
  const sum = values.reduce((total, value) => total + value, 0);
  if (sum > contest.max) return 'too many';
  return sum < contest.min ? 'too few' : null;
}

/** The bits of a choice in one contest, in the order of `contestWeights`. */
export function choiceBits(contest: ContestLimits, values: readonly number[]): number[] {
  const fault = choiceFault(contest, values);
  if (fault !== null) throw new RangeError(`not a choice: ${fault}`);
  const options = values.flatMap((value) => bits(contest.score, value));
  if (contest.limit === 'option') return options;
  const sum = values.reduce((total, value) => total + value, 0);
  return [...options, ...bits(contest.max - contest.min, contest.max - sum)];
}
