// The last step of building index.html and verify.html: integrity of the one script and the one style sheet, and the
// policy. Works on the written files, when nothing can change them any more.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Plugin } from 'vite';
import { policyOf, withPolicy } from './policy.ts';

function integrity(file: string): string {
  return `sha384-${createHash('sha384').update(readFileSync(file)).digest('base64')}`;
}

/** Gives every script and style sheet of `page` the digest of the file it names. */
export function withIntegrity(html: string, folder: string): string {
  return html.replace(/<(script|link)\b[^>]*>/g, (tag) => {
    if (tag.startsWith('<link') && !/rel="(stylesheet|modulepreload)"/.test(tag)) return tag;
    const address = /(?:src|href)="\.\/([^"]+)"/.exec(tag)?.[1];
    if (address === undefined) throw new Error(`not a file of this build: ${tag}`);
    return tag.replace(/\s*\/?>$/, ` integrity="${integrity(resolve(folder, address))}">`);
  });
}

export function finishPage(page: string): Plugin {
  let [root, folder] = ['', ''];
  return {
    name: 'retally-page',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      folder = resolve(root, config.build.outDir);
    },
    closeBundle() {
      const html = readFileSync(resolve(folder, page), 'utf8');
      writeFileSync(resolve(folder, page), withPolicy(withIntegrity(html, folder), policyOf(root, page)));
    },
  };
}
