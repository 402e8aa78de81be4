// The verifier in a browser over boards on a server, for tests of agreement: with a coordinating worker and proof workers
// as a page runs it, with or without the native engine's code, or in the one thread of a page that gets no worker. `findings(list)` answers as verifyFolders does.
import { ENGINE } from 'virtual:retally-engine';
import { runAccelerated } from '../src/accelerator/runAccelerated.ts';
import { parsePolicy } from '../src/board/policy.ts';
import { HttpBoard, Unreachable } from '../src/board/source.ts';
import { Malformed } from '../src/core/errors.ts';
import { runInWorkers } from '../src/verifier/runInWorkers.ts';
import { verify } from '../src/verifier/verify.ts';
import { COULD_NOT_RUN, findingsOf } from './findings.ts';

/** One board: its address, and the addresses of what an auditor brings along. */
interface Listed {
  readonly board: string;
  readonly kept: readonly string[];
  readonly receipts: readonly string[];
  readonly inWorkers: boolean;
  /** With the engine, whose file is at this address. */
  readonly engine: string | null;
}

async function read(address: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(address)).arrayBuffer());
}

async function findings({ board, kept, receipts, inWorkers, engine }: Listed): Promise<object> {
  try {
    const policy = parsePolicy(await read(`${board}/policy.txt`));
    const source = new HttpBoard(board);
    const brought = { kept: await Promise.all(kept.map(read)), receipts: await Promise.all(receipts.map(read)) };
    let workers = 0;
    const onWorkers = (count: number) => (workers = count);
    if (engine !== null) {
      if (ENGINE === null) throw new Error('there is no engine in this build');
      const offered = { ...ENGINE, address: new URL(engine || ENGINE.address, location.href).href };
      const { report, fault } = await runAccelerated(source, policy, offered, { ...brought, onWorkers });
      return { ...findingsOf(report), workers, fault };
    }
    const report = inWorkers
      ? await runInWorkers(source, policy, { ...brought, onWorkers })
      : await verify(source, policy, brought);
    return { ...findingsOf(report), workers };
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof Malformed)) throw error;
    return { exitCode: COULD_NOT_RUN, error: error.message };
  }
}

Object.assign(globalThis, {
  async findings(list: readonly Listed[]): Promise<Record<string, object>> {
    const found: Record<string, object> = {};
    for (const one of list) found[one.board] = await findings(one);
    return found;
  },
});
