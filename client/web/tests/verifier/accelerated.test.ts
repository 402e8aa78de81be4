// With the native engine's code the rulings are the same, for true and for tampered ballots; and an engine that is not as it
// should be is refused, before and while it is used.
import { expect, it, vi } from 'vitest';
import { concat, fromBase64url, fromUtf8, sha256, toHex, utf8, type Bytes } from '../../src/core/bytes.ts';
import { encryptBallot, proveBallot } from '../../src/core/ballot.ts';
import { BASE, encodePoint, IDENTITY, multiplyBase, randomScalar } from '../../src/core/group.ts';
import { AcceleratedTasks, tryOut } from '../../src/accelerator/acceleratedTasks.ts';
import { EngineFault, NativeEngine, type Batch } from '../../src/accelerator/nativeEngine.ts';
import type { Election, ProvenBallot } from '../../src/verifier/tasks.ts';
import { ProofTasks } from '../../src/verifier/v10BallotProofs.ts';
import { describeWithEngine, engine, engineFile, engineOf } from './engine.ts';

const contest = (id: string, options: number) => ({
  ...{ id, title: { en: id }, limit: 'total' as const, score: 1, min: 0, max: 1 },
  options: Array.from({ length: options }, (_, at) => ({ id: `o${at}`, title: { en: `${at}` } })),
});
const manifest = {
  contests: [contest('one', 2), contest('two', 3)],
  styles: [
    { id: 'a', contests: ['one'] },
    { id: 'b', contests: ['one', 'two'] },
  ],
} as unknown as Election['manifest'];
const jointKey = encodePoint(multiplyBase(randomScalar()));
const election: Election = { electionId: sha256(utf8('test')), jointKey, manifest };

function ballot(style: number): ProvenBallot {
  const secret = randomScalar();
  const request = { ...election, style: style === 0 ? 'a' : 'b', credential: encodePoint(multiplyBase(secret)) };
  const choices = style === 0 ? [[1, 0]] : [[0, 1], [0, 0, 1]]; // prettier-ignore
  const encrypted = encryptBallot({ ...request, previous: new Uint8Array(32), choices });
  const { proof } = JSON.parse(fromUtf8(proveBallot(encrypted, secret))) as { proof: string };
  const { credential, bodyHash, ciphertexts } = encrypted;
  return { style, credential, bodyHash, ciphertexts, proof: fromBase64url(proof) };
}

const changed = (raw: Bytes, at: number, byte: number): Bytes => raw.map((old, place) => (place === at ? byte : old));

function ballots(): ProvenBallot[] {
  const [a, b] = [ballot(0), ballot(1)];
  return [
    a,
    b,
    { ...a, bodyHash: b.bodyHash },
    { ...b, proof: changed(b.proof, b.proof.length - 32, 1) },
    { ...b, proof: changed(b.proof, b.proof.length - 1, 255) },
    { ...b, ciphertexts: changed(b.ciphertexts, 31, 255) },
    { ...b, ciphertexts: concat(new Uint8Array(32), b.ciphertexts.subarray(32)) },
    { ...a, credential: encodePoint(BASE) },
    { ...a, proof: concat(b.proof.subarray(0, 32), a.proof.subarray(32)) },
    ballot(1),
  ];
}

describeWithEngine('the accelerated tasks', () => {
  it('rule as the TypeScript ones do, in the same words', async () => {
    const all = ballots();
    const rulings = [new ProofTasks(), new AcceleratedTasks(await engine())].map((tasks) => {
      tasks.begin(election);
      return tasks.rule(all);
    });
    expect(rulings[1]).toEqual(rulings[0]);
    expect(rulings[0]?.map((ruling) => ruling?.check ?? null)).toEqual(
      [null, null, 'V10', 'V10', 'V09', 'V09', 'V09', 'V10', 'V10', null], // prettier-ignore
    );
  });

  it('add up as the TypeScript ones do, and refuse what they refuse', async () => {
    const points = [1n, 2n, 3n, 4n, 5n, 6n].map((scalar) => encodePoint(multiplyBase(scalar)));
    const tasks = [new ProofTasks(), new AcceleratedTasks(await engine())];
    const [first, second] = tasks.map((one) => toHex(one.sums(concat(...points), 2)));
    expect(second).toBe(first);
    for (const bad of [encodePoint(IDENTITY), new Uint8Array(32).fill(255)])
      for (const one of tasks) expect(() => one.sums(concat(bad, ...points.slice(1)), 2)).toThrow();
  });

  it('draw new weights for every batch, all of them', async () => {
    const lengths: number[] = [];
    const draw = crypto.getRandomValues.bind(crypto);
    const spy = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      lengths.push(array.byteLength);
      return draw(array);
    });
    const tasks = new AcceleratedTasks(await engine());
    tasks.begin(election);
    const one = ballot(0);
    lengths.length = 0;
    tasks.rule([one, one]);
    tasks.rule([one, one]);
    spy.mockRestore();
    // 16 bytes for each equation of the relation: 1 + 4 a bit + 1 for the limit.
    const bits = one.ciphertexts.length / 64;
    expect(lengths).toEqual([2 * 16 * (2 + 4 * bits), 2 * 16 * (2 + 4 * bits)]);
  });

  it('do not believe an engine that rejects what is true', async () => {
    const tasks = new AcceleratedTasks(await engine());
    tasks.begin(election);
    vi.spyOn(tasks.engine, 'verifyBatch').mockImplementation(({ count }: Batch) =>
      new Array<boolean>(count).fill(false),
    );
    expect(() => tasks.rule([ballot(0)])).toThrow(EngineFault);
  });
});

describeWithEngine('an engine', () => {
  it('is tried out with true and false proofs before it is used', async () => {
    const whole = await engine();
    tryOut(whole);
    for (const verdicts of [
      [true, true, true],
      [false, false, false],
      [false, true, true],
    ]) {
      // prettier-ignore
      const lying = await engine();
      vi.spyOn(lying, 'verifyBatch').mockReturnValue(verdicts);
      expect(() => tryOut(lying)).toThrow(EngineFault);
    }
  });

  it('is refused if its file has another digest, is cut short or is empty', async () => {
    const raw = engineFile ?? new Uint8Array();
    const digest = toHex(sha256(raw));
    for (const wrong of [changed(raw, raw.length >> 1, 7), raw.subarray(0, -1), new Uint8Array(), utf8('<html>')]) {
      await expect(NativeEngine.load(wrong, digest)).rejects.toThrow(EngineFault);
    }
    await expect(engineOf(raw.subarray(0, raw.length >> 1))).rejects.toThrow(EngineFault);
  });

  it('that stops gives no verdict', async () => {
    const one = await engine();
    const empty = new Uint8Array();
    const batch = { header: utf8('no header'), shared: empty, elements: empty, tags: empty, proofs: empty, count: 1 };
    expect(() => one.verifyBatch(batch)).toThrow(EngineFault);
    expect(() => one.verifyBatch({ ...batch, count: 2 ** 31 })).toThrow();
  });
});
