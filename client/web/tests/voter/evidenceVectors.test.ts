// docs/spec/vectors/evidence.json (page 11): the page and `retally adjudicate` find the same of the same files.
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { Malformed } from '../../src/core/errors.ts';
import { judgeEvidence, parseEvidence } from '../../src/voter/evidence.ts';
import { ownVectors } from '../core/vectors.ts';

interface Vectors {
  readonly judged: readonly {
    readonly name: string;
    readonly file: string;
    readonly board: boolean;
    readonly witnesses: readonly string[];
  }[];
  readonly refused: readonly { readonly why: string; readonly file: string }[];
}

const { judged, refused } = ownVectors('evidence.json') as Vectors;

describe('a file of evidence', () => {
  test.each(judged)('$name: proves exactly what it shows', ({ file, board, witnesses }) => {
    expect(judgeEvidence(parseEvidence(utf8(file)))).toEqual({ board, witnesses });
  });

  test.each(refused)('with $why is refused', ({ file }) => {
    expect(() => judgeEvidence(parseEvidence(utf8(file)))).toThrow(Malformed);
  });
});
