// docs/spec/vectors/web_bundle.json (page 10): the page reads listings and origins as every other reader does.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { isOrigin, parseListing } from '../../src/webBundle.ts';
import { ownVectors } from '../core/vectors.ts';

interface Vectors {
  readonly bundles: readonly { readonly files: Record<string, string>; readonly listing: string }[];
  readonly refused: readonly { readonly why: string; readonly listing: string }[];
  readonly origins: readonly string[];
  readonly no_origins: readonly string[];
}

const { bundles, refused, origins, no_origins } = ownVectors('web_bundle.json') as Vectors;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a listing reads as its files', () => {
  for (const { files, listing } of bundles) {
    const found = parseListing(utf8(listing));
    expect(found).toEqual(new Map(Object.entries(files).map(([path, text]) => [path, digest(text)])));
  }
});

test.each(refused)('a listing with $why is refused', ({ listing }) => {
  expect(typeof parseListing(utf8(listing))).toBe('string');
});

test('origins are those that a browser sends, and no other texts', () => {
  expect(origins.filter((text) => !isOrigin(text))).toEqual([]);
  expect(no_origins.filter(isOrigin)).toEqual([]);
});
