// V21 by hand-made origins: what is served has to be the manifest's bundle, byte for byte (docs/spec page 10).

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { checkWebBundle, isOrigin, parseListing, WrongBundle, type ReadFile } from '../../src/webBundle.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const digest = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
const page = utf8('<!doctype html>');
const script = utf8('let x;');
const listing = utf8(`${digest(script)}  assets/app.js\n${digest(page)}  index.html\n`);
const ORIGIN = 'https://vote.example';

function serve(files: Record<string, Uint8Array>): ReadFile {
  return (address) => Promise.resolve(files[address.replace(`${ORIGIN}/`, '')] ?? null);
}
const served = { 'bundle.sha256': listing, '': page, 'index.html': page, 'assets/app.js': script };

test('a bundle that is the listing of the manifest passes', async () => {
  const found = await checkWebBundle([ORIGIN], digest(listing), serve(served));
  expect(found).toEqual({ state: 'pass', notes: [`bundle ${digest(listing)} is served by ${ORIGIN}`] });
});

test('one changed byte in one file fails and names the file', async () => {
  const found = await checkWebBundle([ORIGIN], digest(listing), serve({ ...served, 'assets/app.js': utf8('let y;') }));
  expect(found.state).toBe('fail');
  expect(found.notes).toEqual([`${ORIGIN}/assets/app.js is not the file assets/app.js of the bundle`]);
});

test('another page at the address that voters open fails', async () => {
  const found = await checkWebBundle([ORIGIN], digest(listing), serve({ ...served, '': utf8('<!doctype html >') }));
  expect(found).toEqual({ state: 'fail', notes: [`${ORIGIN}/ is not the file index.html of the bundle`] });
});

test('a listing that fits the changed files is another listing, and nothing more is read', async () => {
  const other = utf8(`${digest(page)}  index.html\n`);
  const asked: string[] = [];
  const found = await checkWebBundle([ORIGIN], digest(listing), (address, limit) => {
    asked.push(address);
    return serve({ ...served, 'bundle.sha256': other })(address, limit);
  });
  expect(found.state).toBe('fail');
  expect(found.notes[0]).toContain(digest(other));
  expect(asked).toEqual([`${ORIGIN}/bundle.sha256`]);
});

test('a file that is not there, or leads elsewhere, fails', async () => {
  const rest = { 'bundle.sha256': listing, '': page, 'index.html': page };
  const missing = await checkWebBundle([ORIGIN], digest(listing), serve(rest));
  expect(missing).toEqual({ state: 'fail', notes: [`${ORIGIN}/assets/app.js is not there`] });
  const elsewhere = await checkWebBundle([ORIGIN], digest(listing), () =>
    Promise.reject(new WrongBundle('it leads elsewhere')),
  );
  expect(elsewhere).toEqual({ state: 'fail', notes: ['it leads elsewhere'] });
});

test('an origin that does not answer leaves V21 incomplete, unless a wrong file was seen before', async () => {
  const silent = await checkWebBundle([ORIGIN], digest(listing), () => Promise.reject(new Error('no route')));
  expect(silent.state).toBe('incomplete');
  const after = await checkWebBundle([ORIGIN], digest(listing), (address, limit) =>
    address.endsWith('index.html')
      ? Promise.reject(new Error('no route'))
      : serve({ ...served, 'assets/app.js': page })(address, limit),
  );
  expect(after.state).toBe('fail');
});

test('with no digest or no origin in the manifest there is nothing to compare', async () => {
  expect((await checkWebBundle([ORIGIN], null, serve({}))).state).toBe('not applicable');
  const found = await checkWebBundle(['vote.example'], digest(listing), serve({}));
  expect(found.state).toBe('not applicable');
  expect(found.notes).toContain("'vote.example' in the manifest is no origin");
});

describe('listings', () => {
  const zero = '0'.repeat(64);
  test.each([
    [''],
    ['\n'],
    [`${zero}  index.html`],
    [`${zero}  index.html\r\n`],
    [`${zero} index.html\n`],
    [`${'A'.repeat(64)}  index.html\n`],
    [`${zero}  /index.html\n`],
    [`${zero}  ../index.html\n`],
    [`${zero}  a//index.html\n`],
    [`${zero}  .well-known/x\n${zero}  index.html\n`],
    [`${zero}  bundle.sha256\n${zero}  index.html\n`],
    [`${zero}  index.html\n${zero}  index.html\n`],
    [`${zero}  index.html\n${zero}  a.js\n`],
    [`${zero}  a.js\n`],
    [`${zero}  índex.html\n`],
    [
      Array.from({ length: 256 }, (_, at) => `${zero}  f${String(at).padStart(4, '0')}\n`).join('') +
        `${zero}  index.html\n`,
    ],
  ])('%j is refused', (text) => {
    expect(typeof parseListing(utf8(text))).toBe('string');
  });

  test('the most files are taken', () => {
    const files = Array.from({ length: 255 }, (_, at) => `${zero}  f${String(at).padStart(4, '0')}\n`).join('');
    expect(parseListing(utf8(`${files}${zero}  index.html\n`))).toHaveProperty('size', 256);
  });
});

describe('origins', () => {
  test.each([
    'https://vote.example',
    'https://vote.example:8443',
    'https://[2001:db8::1]:8443',
    'http://localhost',
    'http://127.0.0.1:65535',
    'http://[::1]:8080',
  ])('%s is one', (text) => {
    expect(isOrigin(text)).toBe(true);
  });

  test.each([
    '',
    'null',
    'https://',
    'https://vote.example/',
    'https://vote.example:443',
    'http://localhost:80',
    'http://vote.example',
    'http://localhost.evil.example',
    'https://VOTE.example',
    'https://vote.example:065',
    'https://vote.example:65536',
    'https://a@vote.example',
    'https://vote.example\n',
  ])('%j is none', (text) => {
    expect(isOrigin(text)).toBe(false);
  });
});
