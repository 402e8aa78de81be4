// The native engine's WebAssembly for tests, if it was built; and tests that say that it was not.
import { existsSync, readFileSync } from 'node:fs';
import { describe } from 'vitest';
import { sha256, toHex, type Bytes } from '../../src/core/bytes.ts';
import { NativeEngine } from '../../src/accelerator/nativeEngine.ts';

const FILE = new URL('../../accelerator/engine.wasm', import.meta.url);

export const engineFile: Bytes | null = existsSync(FILE) ? new Uint8Array(readFileSync(FILE)) : null;

export const describeWithEngine = (name: string, tests: () => void): void => {
  if (engineFile !== null) describe(name, tests);
  else describe.skip(`NOT TESTED, accelerator/engine.wasm is missing (scripts/accelerator.sh): ${name}`, tests);
};

/** The engine, from whatever file: its digest is taken to be right. */
export const engineOf = (raw: Bytes): Promise<NativeEngine> => NativeEngine.load(raw, toHex(sha256(raw)));

export const engine = (): Promise<NativeEngine> => engineOf(engineFile ?? new Uint8Array());
