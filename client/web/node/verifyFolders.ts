// The browser's verifier run by Node over boards in folders, for tests of agreement and for measuring:
//
//     node verifyFolders.js [--workers N | --engine FILE] FOLDER…
//
// Each folder holds a board's files and its trust policy, `policy.txt`; kept checkpoints are `kept-*.checkpoint`,
// receipts `receipt-*`, both in the order of their names. --engine: the native engine's code rules on proofs. Prints {"boards": {FOLDER: findings}} as JSON.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePolicy } from '../src/board/policy.ts';
import { Unreachable } from '../src/board/source.ts';
import { Malformed } from '../src/core/errors.ts';
import { AcceleratedTasks, tryOut } from '../src/accelerator/acceleratedTasks.ts';
import { NativeEngine } from '../src/accelerator/nativeEngine.ts';
import { sha256, toHex } from '../src/core/bytes.ts';
import { CallingThread, type Pool } from '../src/verifier/pool.ts';
import { verify } from '../src/verifier/verify.ts';
import { COULD_NOT_RUN, findingsOf } from './findings.ts';
import { FolderBoard } from './folderBoard.ts';
import { nodePool } from './nodePool.ts';

async function findings(folder: string, pool: Pool): Promise<object> {
  try {
    const policy = parsePolicy(new Uint8Array(await readFile(join(folder, 'policy.txt'))));
    const names = (await readdir(folder)).sort();
    const read = (pattern: RegExp) =>
      Promise.all(
        names
          .filter((name) => pattern.test(name))
          .map(async (name) => new Uint8Array(await readFile(join(folder, name)))),
      );
    const report = await verify(new FolderBoard(folder), policy, {
      kept: await read(/^kept-.*\.checkpoint$/),
      receipts: await read(/^receipt-/),
      pool,
    });
    return findingsOf(report);
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof Malformed)) throw error;
    return { exitCode: COULD_NOT_RUN, error: error.message };
  }
}

/** Nobody waits for this thread to answer. */
const PATIENCE = Infinity;

/** The engine from a file, tried out. */
async function accelerated(file: string): Promise<CallingThread> {
  const raw = new Uint8Array(await readFile(file));
  const engine = await NativeEngine.load(raw, toHex(sha256(raw)));
  tryOut(engine);
  return new CallingThread(new AcceleratedTasks(engine), PATIENCE);
}

async function poolOf([option, value = '']: readonly string[]): Promise<Pool> {
  if (option === '--workers') return nodePool(Number(value));
  return option === '--engine' ? accelerated(value) : new CallingThread(undefined, PATIENCE);
}

const folders = process.argv.slice(2);
const pool = await poolOf(folders[0]?.startsWith('--') === true ? folders.splice(0, 2) : []);
const boards: Record<string, object> = {};
for (const folder of folders) boards[folder] = await findings(folder, pool);
pool.close();
process.stdout.write(`${JSON.stringify({ boards })}\n`);
