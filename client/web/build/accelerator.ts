// The module `virtual:retally-engine`: where the native engine's WebAssembly and its worker are in this build, if
// scripts/accelerator.sh made it before (accelerator/engine.wasm); else that there is none. The single-file verifier never
// has it: its one policy would have to let WebAssembly run in the page itself.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Plugin } from 'vite';

const NAME = 'virtual:retally-engine';
const FILE = 'accelerator/engine.wasm';

export function engineModule(offered: boolean): Plugin {
  let [root, building] = ['', false];
  return {
    name: 'retally-engine',
    configResolved(config) {
      root = config.root;
      building = config.command === 'build';
    },
    buildStart() {
      if (offered && building && !existsSync(resolve(root, FILE)))
        this.info(`${FILE} is missing (scripts/accelerator.sh): the verifier's page has no accelerator`);
    },
    resolveId: (id) => (id === NAME ? `\0${NAME}` : null),
    load(id) {
      if (id !== `\0${NAME}`) return null;
      const file = resolve(root, FILE);
      if (!offered || !building || !existsSync(file)) return 'export const ENGINE = null;';
      const raw = readFileSync(file);
      const digest = (name: string, form: 'hex' | 'base64') => createHash(name).update(raw).digest(form);
      const asset = this.emitFile({ type: 'asset', name: 'engine.wasm', source: raw });
      return [
        "import worker from '/src/accelerator/accelerated.worker.ts?worker&url';",
        'export const ENGINE = {',
        `  address: import.meta.ROLLUP_FILE_URL_${asset},`,
        `  digest: '${digest('sha256', 'hex')}',`,
        `  integrity: 'sha384-${digest('sha384', 'base64')}',`,
        '  worker,',
        '};',
      ].join('\n');
    },
  };
}
