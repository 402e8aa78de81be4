// Test or cast, never both (docs/spec 6.8).
import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/core/bytes.ts';
import { openTest, Spent, WrongOpening } from '../../src/voter/sealedBallot.ts';
import { localPort, seal } from '../../src/voter/sealing.ts';
import { enter, sealFor, type AtBooth } from './booth.ts';
import { FakeServer } from './fakeServer.ts';

const CHOICES = [[0, 1], [3]];

const electionOf = ({ opened }: AtBooth) => ({
  id: opened.view.electionId,
  jointKey: opened.jointKey,
  manifest: opened.view.manifest,
});

async function sealedInPort(at: AtBooth, onProgress?: (done: number, of: number) => void) {
  const { view, jointKey } = at.opened;
  return seal(
    localPort(),
    {
      electionId: view.electionId,
      jointKey,
      manifest: view.manifest,
      style: 'north',
      credential: at.standing.credential,
      previous: at.standing.previous,
      choices: CHOICES,
    },
    onProgress,
  );
}

describe('a sealed ballot', () => {
  test('a tested ballot never gets a proof', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    const ballot = sealFor(at, CHOICES);
    ballot.test();
    expect(() => ballot.prove(at.secret)).toThrow(Spent);
    expect(() => ballot.test()).toThrow(Spent);
  });

  test('a proved ballot is never opened, and proved once only', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    const ballot = sealFor(at, CHOICES);
    ballot.prove(at.secret);
    expect(() => ballot.test()).toThrow(Spent);
    expect(() => ballot.prove(at.secret)).toThrow(Spent);
  });

  test('a failed proof spends the ballot too', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    const ballot = sealFor(at, CHOICES);
    expect(() => ballot.prove(at.secret + 1n)).toThrow();
    expect(() => ballot.test()).toThrow(Spent);
  });

  test('both hold over the worker’s channel', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    const shares: number[] = [];
    const sealed = await sealedInPort(at, (done, of) => shares.push(done / of));
    expect(shares.at(-1)).toBe(1);
    const { opening } = await sealed.test();
    expect(openTest(opening, electionOf(at)).trackingCode).toBe(sealed.trackingCode);
    await expect(sealed.prove(at.secret)).rejects.toBeInstanceOf(Spent);
    const other = await sealedInPort(at);
    await other.prove(at.secret);
    await expect(other.test()).rejects.toBeInstanceOf(Spent);
    const third = await sealedInPort(at);
    third.discard();
    await expect(third.test()).rejects.toBeInstanceOf(Spent);
  });

  test('before the choice the page has neither seed nor choices', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    const sealed = await sealedInPort(at);
    expect(Object.keys(sealed).sort()).toEqual(['bodyHash', 'discard', 'prove', 'test', 'trackingCode']);
    expect(Object.keys(sealFor(at, CHOICES))).toEqual(['trackingCode', 'bodyHash']);
  });
});

describe('a test on a second device', () => {
  test('both forms of the opening recompute to the same code and choices', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    const ballot = sealFor(at, CHOICES);
    const { opening, short } = ballot.test();
    for (const text of [opening, short]) {
      const opened = openTest(text, electionOf(at));
      expect(opened.trackingCode).toBe(ballot.trackingCode);
      expect(opened.choices).toEqual(CHOICES);
      expect(toHex(opened.credential)).toBe(toHex(at.standing.credential));
    }
    expect(short.length).toBeLessThan(500);
  });

  test('a device that encrypted something else than it shows is found out', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    const { opening, short } = sealFor(at, CHOICES).test();
    for (const text of [opening, short]) {
      const lie = text.replace('[[0,1],[3]]', '[[1,0],[3]]');
      expect(lie).not.toBe(text);
      expect(() => openTest(lie, electionOf(at))).toThrow(WrongOpening);
    }
  });

  test('impossible choices are no ballot', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    const { short } = sealFor(at, CHOICES).test();
    expect(() => openTest(short.replace('[[0,1],[3]]', '[[1,1],[3]]'), electionOf(at))).toThrow(WrongOpening);
    expect(() => openTest(short.replace('"style":"north"', '"style":"west"'), electionOf(at))).toThrow(WrongOpening);
  });

  test('what is wrong with an opening is said as a fault, for a page to decide on', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    const { opening, short } = sealFor(at, CHOICES).test();
    const elsewhere = { ...electionOf(at), id: new Uint8Array(32) };
    const faultOf = (text: string, election: ReturnType<typeof electionOf>): unknown => {
      try {
        return openTest(text, election);
      } catch (error) {
        return error instanceof WrongOpening ? error.fault : error;
      }
    };
    expect(faultOf(opening, elsewhere)).toBe('another election');
    expect(faultOf(opening.replace('[[0,1],[3]]', '[[1,0],[3]]'), electionOf(at))).toBe('other ciphertexts');
    expect(faultOf(short.replace('[[0,1],[3]]', '[[1,1],[3]]'), electionOf(at))).toBe('impossible choices');
  });

  test('damaged openings are said to be none', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    const { short } = sealFor(at, CHOICES).test();
    for (const text of ['', '{}', short.slice(0, -5), short.replace('"seed":"', '"seed":"A')]) {
      expect(() => openTest(text, electionOf(at))).toThrow();
    }
  });

  test('two ballots with the same choices have different codes', async () => {
    const at = await enter(new FakeServer(), 'north-1');
    expect(sealFor(at, CHOICES).trackingCode).not.toBe(sealFor(at, CHOICES).trackingCode);
  });
});
