// bundle.sha256, written last: one line per published file (docs/spec page 10). Its SHA-256 is the digest that a
// manifest names.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Plugin } from 'vite';

const LISTING = 'bundle.sha256';

/** `<64 hex>  <path>\n` for every file under `folder` but the listing, sorted by the bytes of the path. */
export function listing(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path !== LISTING && statSync(resolve(folder, path)).isFile())
    .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    .map(
      (path) =>
        `${createHash('sha256')
          .update(readFileSync(resolve(folder, path)))
          .digest('hex')}  ${path}\n`,
    )
    .join('');
}

export function writeListing(): Plugin {
  let folder = '';
  return {
    name: 'retally-listing',
    apply: 'build',
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    closeBundle: {
      order: 'post',
      sequential: true,
      handler() {
        const text = listing(folder);
        writeFileSync(resolve(folder, LISTING), text);
        this.info(`bundle digest ${createHash('sha256').update(text).digest('hex')}`);
      },
    },
  };
}
