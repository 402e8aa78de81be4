// Choices at the booth: over-votes cannot be made, under-votes are asked about (docs/spec 6.2).
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Contest } from '../../src/board/manifest.ts';
import { choiceFault } from '../../src/core/contests.ts';
import { en } from '../../src/i18n/en.ts';
import { find, type Section } from '../../src/i18n/messages.ts';
import { blank, choose, inputKind, left, most, remarkOn, reviewOf, ruleOf, total } from '../../src/voter/choices.ts';

const contest = (options: number, limit: 'total' | 'option', score: number, min: number, max: number): Contest => ({
  id: 'c',
  title: 'Contest',
  options: Array.from({ length: options }, (_, at) => ({ id: `o${at}`, title: `Option ${at}` })),
  limit,
  score,
  min,
  max,
});

const contests = fc
  .record({ options: fc.integer({ min: 1, max: 8 }), score: fc.integer({ min: 1, max: 6 }), total: fc.boolean() })
  .chain(({ options, score, total: bound }) =>
    bound
      ? fc
          .tuple(fc.integer({ min: 1, max: options * score }), fc.nat())
          .map(([max, low]) => contest(options, 'total', score, low % (max + 1), max))
      : fc.constant(contest(options, 'option', score, 0, options * score)),
  );

const inputs = fc.array(fc.tuple(fc.nat(7), fc.integer({ min: -2, max: 9 })), { maxLength: 30 });

describe('choosing', () => {
  test('no sequence of inputs makes more than the contest allows', () => {
    fc.assert(
      fc.property(contests, inputs, (made, steps) => {
        let choice = blank(made);
        for (const [option, value] of steps) choice = choose(made, choice, option % made.options.length, value);
        expect([null, 'too few']).toContain(choiceFault(made, choice));
      }),
    );
  });

  test('going on is stopped exactly where the ballot cannot hold the choice', () => {
    fc.assert(
      fc.property(contests, inputs, (made, steps) => {
        let choice = blank(made);
        for (const [option, value] of steps) choice = choose(made, choice, option % made.options.length, value);
        expect(remarkOn(made, choice)?.stop === true).toBe(choiceFault(made, choice) !== null);
      }),
    );
  });

  test('every rule and remark has its words', () => {
    fc.assert(
      fc.property(contests, inputs, (made, steps) => {
        let choice = blank(made);
        for (const [option, value] of steps) choice = choose(made, choice, option % made.options.length, value);
        expect(find(en as Section, `vote.rule.${ruleOf(made).name}`)).not.toBeNull();
        const remark = remarkOn(made, choice);
        if (remark !== null) expect(find(en as Section, `vote.remark.${remark.name}`)).not.toBeNull();
      }),
    );
  });

  test('radio buttons replace, check boxes add up to the limit', () => {
    const one = contest(3, 'total', 1, 0, 1);
    expect(inputKind(one)).toBe('one');
    expect(choose(one, [1, 0, 0], 2, 1)).toEqual([0, 0, 1]);
    const two = contest(3, 'total', 1, 0, 2);
    expect(inputKind(two)).toBe('several');
    expect(choose(two, [1, 1, 0], 2, 1)).toEqual([1, 1, 0]);
    expect(left(two, [1, 1, 0])).toBe(0);
    expect(choose(two, [1, 1, 0], 0, 0)).toEqual([0, 1, 0]);
  });

  test('points are what is left for each option', () => {
    const points = contest(3, 'total', 5, 0, 6);
    expect(inputKind(points)).toBe('points');
    expect(most(points, [4, 0, 0], 1)).toBe(2);
    expect(choose(points, [4, 0, 0], 1, 5)).toEqual([4, 2, 0]);
    expect(total(choose(points, [4, 2, 0], 0, 5))).toBe(6);
    const free = contest(3, 'option', 3, 0, 9);
    expect(left(free, [3, 3, 0])).toBeNull();
  });

  test('blank and fewer than possible are asked about, too few stops', () => {
    const two = contest(3, 'total', 1, 0, 2);
    expect(remarkOn(two, [0, 0, 0])).toMatchObject({ name: 'blank', stop: false });
    expect(remarkOn(two, [1, 0, 0])).toMatchObject({ name: 'fewer', stop: false, params: { used: 1, count: 2 } });
    expect(remarkOn(two, [1, 1, 0])).toBeNull();
    expect(remarkOn(contest(3, 'total', 1, 1, 1), [0, 0, 0])).toMatchObject({ name: 'tooFew', stop: true });
    expect(remarkOn(contest(3, 'total', 1, 0, 3), [1, 0, 0])).toBeNull();
  });

  test('the review names what was chosen in the ballot’s order', () => {
    expect(reviewOf(contest(3, 'option', 3, 0, 9), [0, 2, 1])).toEqual([
      { option: 'Option 1', value: 2 },
      { option: 'Option 2', value: 1 },
    ]);
  });
});
