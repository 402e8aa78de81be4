// A worker that rules on ballots' proofs with the native engine's code. A file of its own: its policy alone lets
// WebAssembly run (csp.json), and no page but the verifier's ever starts it.
import { reasonOf } from '../core/errors.ts';
import { serveTasks } from '../verifier/pool.ts';
import { portOf } from '../verifier/ports.ts';
import { AcceleratedTasks, tryOut } from './acceleratedTasks.ts';
import { NativeEngine } from './nativeEngine.ts';
import type { Equipped, Start } from './messages.ts';

self.onmessage = (event: MessageEvent<Start>) => void start(event.data);

async function start({ raw, digest, tasks }: Start): Promise<void> {
  try {
    const engine = await NativeEngine.load(raw, digest);
    tryOut(engine);
    serveTasks(portOf(tasks), new AcceleratedTasks(engine));
    self.postMessage({ fault: null } satisfies Equipped);
  } catch (error) {
    self.postMessage({ fault: reasonOf(error) } satisfies Equipped);
  }
}
