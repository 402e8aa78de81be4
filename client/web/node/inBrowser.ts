// The verifier in a browser over boards on a server, for tests of agreement: the whole way that a page goes, with a
// coordinating worker and proof workers, and none of the page. `window.findings(list)` answers as verifyFolders does.
import { parsePolicy } from '../src/board/policy.ts';
import { HttpBoard, Unreachable } from '../src/board/source.ts';
import { Malformed } from '../src/core/errors.ts';
import type { Report } from '../src/verifier/report.ts';
import { runInWorkers } from '../src/verifier/runInWorkers.ts';
import { COULD_NOT_RUN, findingsOf } from './findings.ts';

/** One board: its address, and the addresses of what an auditor brings along. */
interface Listed {
  readonly board: string;
  readonly kept: readonly string[];
  readonly receipts: readonly string[];
}

async function read(address: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(address)).arrayBuffer());
}

async function findings({ board, kept, receipts }: Listed): Promise<object> {
  try {
    const policy = parsePolicy(await read(`${board}/policy.txt`));
    let workers = 0;
    const report: Report = await runInWorkers(new HttpBoard(board), policy, {
      kept: await Promise.all(kept.map(read)),
      receipts: await Promise.all(receipts.map(read)),
      cores: 1,
      onWorkers: (count) => (workers = count),
    });
    return { ...findingsOf(report), workers };
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof Malformed)) throw error;
    return { exitCode: COULD_NOT_RUN, error: error.message };
  }
}

Object.assign(globalThis, {
  async findings(list: readonly Listed[]): Promise<Record<string, object>> {
    const found: Record<string, object> = {};
    const waiting = [...list];
    // Several boards at a time: most of a small board's time is that of workers which start.
    const take = async (): Promise<void> => {
      for (let one = waiting.shift(); one; one = waiting.shift()) found[one.board] = await findings(one);
    };
    await Promise.all(Array.from({ length: 3 }, take));
    return found;
  },
});
