// The roll that an opening names is hashed once for each change of it, however many openings are false.
import { expect, it, vi } from 'vitest';
import type { EntryOf } from '../../src/board/entries.ts';
import { concat, le, sha256, toHex, utf8 } from '../../src/core/bytes.ts';
import { NO_BALLOT, beginElection } from '../../src/verifier/state.ts';
import { v08Opening } from '../../src/verifier/v08Roll.ts';

const bytes = (fill: number) => new Uint8Array(32).fill(fill);

function completeRoll(names: readonly number[]) {
  const state = beginElection({} as Parameters<typeof beginElection>[0], bytes(7), bytes(8));
  for (const name of names) {
    const credential = { credential: bytes(name), style: 0, active: true, accepted: 0 };
    state.roll.credentials.set(toHex(bytes(name)), { ...credential, previous: NO_BALLOT, ciphertexts: null });
  }
  state.roll.active = names.length;
  state.roll.complete = true;
  return state;
}

const opening = (names: readonly number[], roll?: Uint8Array) =>
  ({
    kind: 'opening',
    credentials: names.length,
    roll:
      roll ??
      sha256(
        utf8('RETALLY-V01-opened-roll'),
        bytes(7),
        le(names.length, 8),
        ...names.map((name) => concat(bytes(name), le(0, 4))),
      ),
  }) as unknown as EntryOf<'opening'>;

it('is hashed once for each change of the roll', () => {
  const state = completeRoll([1, 2, 3]);
  const passes = vi.spyOn(state.roll.credentials, 'values');
  for (let at = 0; at < 5; at += 1) expect(() => v08Opening(state, opening([1, 2, 3], bytes(at)))).toThrow('digest');
  v08Opening(state, opening([1, 2, 3]));
  expect(passes).toHaveBeenCalledTimes(1);

  const gone = state.roll.credentials.get(toHex(bytes(2)));
  if (gone === undefined) throw new Error('no such credential');
  gone.active = false;
  state.roll.active -= 1;
  state.roll.revocations += 1;
  expect(() => v08Opening(state, opening([1, 2], bytes(9)))).toThrow('digest');
  v08Opening(state, opening([1, 3]));
  expect(passes).toHaveBeenCalledTimes(2);
});
