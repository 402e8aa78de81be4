// The archive writer, held to the system's tar where there is one.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tarParts } from '../../src/results/tar.ts';

const files = [
  { path: 'checkpoint', content: new TextEncoder().encode('trial\n1\n\n') },
  { path: 'tile/entries/x001/000.p/3', content: new Uint8Array(512).fill(7) },
  { path: 'tile/0/000', content: new Uint8Array(0) },
];

test('an archive unpacks to the same files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'retally-tar-'));
  try {
    execFileSync('tar', ['-x', '-C', folder], { input: Buffer.concat(tarParts(files)) });
    for (const file of files) expect(new Uint8Array(readFileSync(join(folder, file.path)))).toEqual(file.content);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the same files give the same bytes, in whole blocks', () => {
  const once = Buffer.concat(tarParts(files));
  expect(Buffer.concat(tarParts(files)).equals(once)).toBe(true);
  expect(once.length % 512).toBe(0);
});

test('a path that does not fit is refused', () => {
  expect(() => tarParts([{ path: 'x'.repeat(101), content: new Uint8Array(0) }])).toThrow(RangeError);
});
