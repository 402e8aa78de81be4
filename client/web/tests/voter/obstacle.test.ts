// What an error of reading the board means for a voter follows from what it is, never from what it says.
import { expect, test } from 'vitest';
import { TooLong, Unreachable } from '../../src/board/source.ts';
import { Malformed } from '../../src/core/errors.ts';
import { obstacleOf } from '../../src/pages/vote/obstacle.ts';
import { NotThere, WrongFiles } from '../../src/voter/provedBoard.ts';
import { NotOnRoll, NotOpen, OtherElection, Untrustworthy } from '../../src/voter/reading.ts';

const ERRORS: readonly (readonly [unknown, string | null])[] = [
  [new Unreachable('Untrustworthy'), 'unreachable'],
  [new NotOpen('Unreachable'), 'notOpen'],
  [new Untrustworthy('NotOpen'), 'distrust'],
  [new WrongFiles('x'), 'distrust'],
  [new Malformed('x'), 'distrust'],
  [new NotThere('x'), 'failed'],
  [new OtherElection('x'), 'failed'],
  [new TypeError('x'), 'failed'],
  [new TooLong('Unreachable'), null],
  [new NotOnRoll('x'), null],
  [Object.assign(new Error('x'), { name: 'Unreachable' }), null],
  ['Unreachable', null],
];

test.each(ERRORS)('%s is %s', (error, obstacle) => {
  expect(obstacleOf(error)).toBe(obstacle);
});
