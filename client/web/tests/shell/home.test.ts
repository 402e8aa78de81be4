// The list of elections on the first page (src/pages/home/serverElections.ts).

import { expect, test } from 'vitest';
import { boardOf, inOrder, listState, parseElections } from '../../src/pages/home/serverElections.ts';

const trial = {
  slug: 'trial',
  title: 'A trial',
  notice: null,
  phase: 'voting',
  opens: 100,
  closes: 200,
  size: 7,
} as const;

test('an answer is a list of elections or an error, never half of it', () => {
  expect(parseElections({ elections: [trial, { ...trial, slug: 'next' }] }).map(({ slug }) => slug)).toEqual([
    'next',
    'trial',
  ]);
  const broken = [null, [], {}, { elections: [{}] }, { elections: [trial, { ...trial, opens: '1' }] }];
  for (const answer of broken) expect(() => parseElections(answer)).toThrow(TypeError);
});

test('a name that is no board name is refused', () => {
  for (const slug of ['', '../admin', 'a/b', 'https://other.example', 'A'])
    expect(() => parseElections({ elections: [{ ...trial, slug }] })).toThrow(TypeError);
});

test('an election is open between its times and only there', () => {
  expect([99, 100, 199, 200].map((now) => listState(trial, now))).toEqual(['before', 'voting', 'voting', 'ended']);
  expect(listState({ ...trial, phase: 'setup' }, 150)).toBe('setup');
  expect(listState({ ...trial, phase: 'tally' }, 150)).toBe('tally');
});

test('those one can vote in come first', () => {
  const list = [
    { ...trial, slug: 'counted', phase: 'tally' as const },
    { ...trial, slug: 'setup', phase: 'setup' as const },
    trial,
  ];
  expect(inOrder(list, 150).map(({ slug }) => slug)).toEqual(['trial', 'setup', 'counted']);
});

test('a board is beside the page, under whatever path both are served', () => {
  expect(boardOf(trial, 'https://vote.example/index.html')).toBe('/elections/trial');
  expect(boardOf(trial, 'https://vote.example/retally/')).toBe('/retally/elections/trial');
});
