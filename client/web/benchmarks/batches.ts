// Milliseconds that one core takes for a ballot's proof by the number of ballots in a batch: the TypeScript verifier, and
// the native engine's code if it was built.
//
// In Node:       npx vite-node benchmarks/batches.ts BOARD POLICY
// In Chromium:   the same with `--chromium` at the end
//
// BOARD is a folder with a board's files, POLICY its trust policy, as `retally lab demo` leaves them.
import { existsSync, readFileSync } from 'node:fs';
import { chromium } from '@playwright/test';
import { build } from 'vite';
import { FolderBoard } from '../node/folderBoard.ts';
import { parsePolicy } from '../src/board/policy.ts';
import { CallingThread } from '../src/verifier/pool.ts';
import { verify } from '../src/verifier/verify.ts';
import type { Election, ProofRuling, ProvenBallot } from '../src/verifier/tasks.ts';
import { measureBatches, type Measured } from './batchSizes.ts';

const MOST = 512;
const [board = '', policy = '', where = ''] = process.argv.slice(2);

/** Takes down what would be ruled on; the verdict, of which nothing is shown, is no verdict. */
class Recorder extends CallingThread {
  election: Election | null = null;
  readonly ballots: ProvenBallot[] = [];

  override begin(election: Election): void {
    this.election = election;
  }

  override async rule(ballots: readonly ProvenBallot[]): Promise<readonly ProofRuling[]> {
    if (this.ballots.length < MOST) this.ballots.push(...ballots);
    return ballots.map(() => null);
  }

  /** Those of the roll are real; those of the count come when every ballot was taken down. */
  override async sumColumns(rows: readonly Uint8Array[]): Promise<Uint8Array> {
    if (this.ballots.length > 0) throw new Error('enough');
    return super.sumColumns(rows);
  }
}

const recorder = new Recorder();
await verify(new FolderBoard(board), parsePolicy(new Uint8Array(readFileSync(policy))), { pool: recorder }).catch(
  () => undefined,
);
const { election } = recorder;
if (election === null) throw new Error('the board has no opening');
const ballots = recorder.ballots.slice(0, MOST);
const file = new URL('../accelerator/engine.wasm', import.meta.url);
const engine = existsSync(file) ? new Uint8Array(readFileSync(file)) : null;

async function inChromium(): Promise<Measured[]> {
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    build: { write: false, lib: { entry: 'benchmarks/batchSizes.ts', formats: ['iife'], name: 'batches' } },
  });
  const [output] = Array.isArray(built) ? built : [];
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'], // prettier-ignore
  });
  const page = await browser.newPage();
  await page.addScriptTag({ content: output?.output[0].code ?? '' });
  // Through JSON, with bytes as lists of numbers.
  const plain = JSON.stringify({ election, ballots, engine }, (_, value: unknown) =>
    value instanceof Uint8Array ? { bytes: [...value] } : value,
  );
  const found = await page.evaluate((text) => {
    const asked = JSON.parse(text, (_, value: unknown) =>
      typeof value === 'object' && value !== null && 'bytes' in value
        ? Uint8Array.from(value.bytes as number[])
        : value,
    ) as Parameters<typeof measureBatches>;
    const { batches } = globalThis as unknown as {
      batches: { measureBatches: (asked: unknown) => Promise<Measured[]> };
    };
    return batches.measureBatches(asked);
  }, plain);
  await browser.close();
  return found;
}

const found = where === '--chromium' ? await inChromium() : await measureBatches({ election, ballots, engine });
for (const one of found) process.stdout.write(`${JSON.stringify(one)}\n`);
