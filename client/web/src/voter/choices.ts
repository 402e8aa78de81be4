// A voter's choices in plain terms (docs/spec 6.2): what a contest allows, what may still be added, what is worth asking
// about before going on. Too much can never be chosen; too little is said.
import type { Contest, Manifest } from '../board/manifest.ts';

/** One integer per option of a contest. */
export type Choice = readonly number[];
/** One choice per contest of a ballot style. */
export type Choices = readonly Choice[];

/** What the voter sees: radio buttons, check boxes, or points for each option. */
export type InputKind = 'one' | 'several' | 'points';

/** A text to show: a name below `vote.rule` or `vote.remark`, and its numbers. */
export interface Saying {
  readonly name: string;
  readonly params: Readonly<Record<string, number>>;
}

export function contestsOf(manifest: Manifest, style: number): readonly Contest[] {
  const { contests } = manifest.styles[style] as Manifest['styles'][number];
  return contests.map((id) => manifest.contests.find((contest) => contest.id === id) as Contest);
}

export function inputKind(contest: Contest): InputKind {
  if (contest.score > 1) return 'points';
  return contest.limit === 'total' && contest.max === 1 ? 'one' : 'several';
}

export const blank = (contest: Contest): Choice => contest.options.map(() => 0);

export const total = (choice: Choice): number => choice.reduce((sum, value) => sum + value, 0);

/** Whether the sum over all options is bound by less than what they can hold anyway. */
function limited(contest: Contest): boolean {
  return contest.limit === 'total' && contest.max < contest.score * contest.options.length;
}

/** How much can still be given to any option together; null where nothing bounds it. */
export function left(contest: Contest, choice: Choice): number | null {
  return limited(contest) ? contest.max - total(choice) : null;
}

/** The most that this option can have while the others stay as they are. */
export function most(contest: Contest, choice: Choice, option: number): number {
  const rest = left(contest, choice);
  const own = choice[option] ?? 0;
  return rest === null ? contest.score : Math.min(contest.score, own + rest);
}

/** The choice after an input: with radio buttons the others fall away, and no option gets more than it can have. */
export function choose(contest: Contest, choice: Choice, option: number, value: number): Choice {
  const before = inputKind(contest) === 'one' ? blank(contest) : choice;
  const wanted = Number.isFinite(value) ? Math.max(0, Math.floor(value)) : 0;
  const given = Math.min(wanted, most(contest, before, option));
  return before.map((old, at) => (at === option ? given : old));
}

/** What the contest allows, in one sentence. */
export function ruleOf(contest: Contest): Saying {
  const { min, max, score } = contest;
  const say = (name: string, params: Saying['params'] = {}): Saying => ({ name, params });
  if (score > 1) {
    if (!limited(contest) && (contest.limit === 'option' || min === 0)) return say('pointsEach', { score });
    if (min === max) return say('pointsExactly', { score, count: max });
    return min > 0 ? say('pointsBetween', { score, min, count: max }) : say('pointsUpTo', { score, count: max });
  }
  if (contest.limit === 'option' || (min === 0 && !limited(contest))) return say('any');
  if (min === max) return max === 1 ? say('exactlyOne') : say('exactly', { count: max });
  if (min === 0) return max === 1 ? say('oneOrNone') : say('upTo', { count: max });
  return say('between', { min, count: max });
}

/** `stop`: the ballot cannot hold this. Otherwise the voter is asked whether it is meant. null: nothing to ask. */
export interface Remark extends Saying {
  readonly stop: boolean;
}

export function remarkOn(contest: Contest, choice: Choice): Remark | null {
  const sum = total(choice);
  const points = contest.score > 1;
  if (contest.limit === 'total' && sum < contest.min) {
    return {
      name: points ? 'tooFewPoints' : 'tooFew',
      params: { count: contest.min - sum, min: contest.min },
      stop: true,
    };
  }
  if (sum === 0) return { name: 'blank', params: {}, stop: false };
  if (limited(contest) && sum < contest.max) {
    return { name: points ? 'fewerPoints' : 'fewer', params: { used: sum, count: contest.max }, stop: false };
  }
  return null;
}

export interface ReviewLine {
  readonly option: string;
  readonly value: number;
}

/** The options that got something, in the ballot's order; empty for a blank contest. */
export function reviewOf(contest: Contest, choice: Choice): readonly ReviewLine[] {
  return contest.options.flatMap(({ title }, at) => {
    const value = choice[at] ?? 0;
    return value > 0 ? [{ option: title, value }] : [];
  });
}
