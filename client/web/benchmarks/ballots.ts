// How long ballots take on one core: encrypting, proving, and verifying in batches.
//
//     npx vite-node benchmarks/ballots.ts
//     npx esbuild benchmarks/ballots.ts --bundle --outfile=ballots.js    and a page with a <body> that loads ballots.js
import { encryptBallot, proveBallot, verifyBallots, type BallotProof, type Encrypted } from '../src/core/ballot.ts';
import { fromBase64url, fromUtf8, sha256, utf8 } from '../src/core/bytes.ts';
import { ballotLength, type BallotManifest } from '../src/core/contests.ts';
import { encodePoint, multiplyBase, randomScalar } from '../src/core/group.ts';

const BATCH = 128;
const BALLOTS = 2 * BATCH;

function report(line: string): void {
  if ('document' in globalThis) document.body.append(line, document.createElement('br'));
  else process.stdout.write(`${line}\n`);
}

function manifestOf(options: number, least: number, most: number): BallotManifest {
  const list = Array.from({ length: options }, (_, at) => ({ id: `o${at}` }));
  return {
    contests: [{ id: 'contest', options: list, limit: 'total', score: 1, min: least, max: most }],
    styles: [{ id: 'style', contests: ['contest'] }],
  };
}

const electionId = sha256(utf8('benchmark'));
const jointKey = encodePoint(multiplyBase(randomScalar()));

function encrypt(manifest: BallotManifest, secret: bigint, choice: readonly number[]): Encrypted {
  const credential = encodePoint(multiplyBase(secret));
  const previous = new Uint8Array(32);
  return encryptBallot({ electionId, jointKey, manifest, style: 'style', credential, previous, choices: [choice] });
}

function proofOf(ballot: Encrypted, secret: bigint): BallotProof {
  const { proof } = JSON.parse(fromUtf8(proveBallot(ballot, secret))) as { proof: string };
  return { ...ballot, proof: fromBase64url(proof) };
}

function timed<Value>(work: () => Value): { value: Value; milliseconds: number } {
  const start = performance.now();
  const value = work();
  return { value, milliseconds: performance.now() - start };
}

/** One vote among options, and the ballots of it. */
function measure(options: number, least: number, most: number, ballots: number): void {
  const manifest = manifestOf(options, least, most);
  const bits = ballotLength(manifest.contests);
  const secrets = Array.from({ length: ballots }, randomScalar);
  const choices = secrets.map((_, at) =>
    Array.from({ length: options }, (_value, option) => Number(option === at % options)),
  );
  const first = timed(() => encrypt(manifest, secrets[0] as bigint, choices[0] as number[]));
  const encrypted = timed(() => secrets.map((secret, at) => encrypt(manifest, secret, choices[at] as number[])));
  const firstProof = timed(() => proofOf(first.value, secrets[0] as bigint));
  const proved = timed(() => encrypted.value.map((ballot, at) => proofOf(ballot, secrets[at] as bigint)));
  const batches: BallotProof[][] = [];
  for (let at = 0; at < ballots; at += BATCH) batches.push(proved.value.slice(at, at + BATCH));
  const verified = timed(() => batches.map((batch) => verifyBallots({ electionId, jointKey }, batch)));
  if (verified.value.some((failed) => failed.length > 0)) throw new Error('a good ballot was refused');
  const each = (milliseconds: number): string => (milliseconds / ballots).toFixed(1);
  report(
    `${options} options, ${bits} bits: first encrypted in ${first.milliseconds.toFixed(0)} ms and proved in ` +
      `${firstProof.milliseconds.toFixed(0)} ms; then ${each(encrypted.milliseconds)} ms and ${each(proved.milliseconds)} ms ` +
      `each; verified in ${each(verified.milliseconds)} ms each in batches of ${Math.min(BATCH, ballots)} ` +
      `(${Math.round((60_000 * ballots) / verified.milliseconds)} a minute)`,
  );
}

measure(15, 0, 15, 8);
measure(11, 0, 3, BALLOTS);
