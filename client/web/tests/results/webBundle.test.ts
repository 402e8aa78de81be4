// V21 by hand-made origins: what is served has to be the manifest's bundle, byte for byte.

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkWebBundle, parseListing, type ReadFile } from '../../src/webBundle.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const digest = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
const page = utf8('<!doctype html>');
const script = utf8('let x;');
const listing = utf8(`${digest(script)}  assets/app.js\n${digest(page)}  index.html\n`);
const ORIGIN = 'https://vote.example';

function serve(files: Record<string, Uint8Array>): ReadFile {
  return (address) => Promise.resolve(files[address.replace(`${ORIGIN}/`, '')] ?? null);
}
const served = { 'bundle.sha256': listing, 'index.html': page, 'assets/app.js': script };

test('a bundle that is the listing of the manifest passes', async () => {
  const found = await checkWebBundle([ORIGIN], digest(listing), serve(served));
  expect(found).toEqual({ state: 'pass', notes: [] });
});

test('one changed byte in one file fails and names the file', async () => {
  const found = await checkWebBundle([ORIGIN], digest(listing), serve({ ...served, 'assets/app.js': utf8('let y;') }));
  expect(found.state).toBe('fail');
  expect(found.notes).toEqual([`${ORIGIN}/assets/app.js is not the file of the listing`]);
});

test('a listing that fits the changed files is another listing', async () => {
  const other = utf8(`${digest(page)}  index.html\n`);
  const found = await checkWebBundle([ORIGIN], digest(listing), serve({ ...served, 'bundle.sha256': other }));
  expect(found.state).toBe('fail');
  expect(found.notes[0]).toContain(digest(other));
});

test('a file that is not there fails', async () => {
  const found = await checkWebBundle(
    [ORIGIN],
    digest(listing),
    serve({ 'bundle.sha256': listing, 'index.html': page }),
  );
  expect(found.notes).toEqual([`${ORIGIN}/assets/app.js is not there`]);
});

test('an origin that does not answer is no proof of anything', async () => {
  const found = await checkWebBundle([ORIGIN], digest(listing), () => Promise.reject(new Error('no route')));
  expect(found.state).toBe('incomplete');
});

test('with no digest or no origin in the manifest there is nothing to compare', async () => {
  expect((await checkWebBundle([ORIGIN], null, serve({}))).state).toBe('not applicable');
  expect((await checkWebBundle([], digest(listing), serve({}))).state).toBe('not applicable');
});

test.each([
  ['no end of line', 'x'],
  ['upper case', `${'AB'.repeat(32)}  index.html\n`],
  ['a way out of the origin', `${'ab'.repeat(32)}  ../index.html\n`],
  ['an absolute path', `${'ab'.repeat(32)}  /index.html\n`],
  ['itself', `${'ab'.repeat(32)}  bundle.sha256\n`],
  ['a path twice', `${'ab'.repeat(32)}  a\n${'ab'.repeat(32)}  a\n`],
])('a listing with %s is refused', (_, text) => {
  expect(typeof parseListing(utf8(text))).toBe('string');
});
