// Which scripts the page's own Trusted Types policy lets through (src/app/trusted.ts).

import { describe, expect, test } from 'vitest';
import { ownScript } from '../../src/app/trusted.ts';

describe('a worker may start from', () => {
  test.each([
    ['./assets/verifier.worker-1.js', 'https://vote.example/verify.html'],
    ['https://vote.example/assets/a.js', 'https://vote.example/verify.html'],
    ['blob:https://vote.example/1-2', 'https://vote.example/verify.html'],
    ['blob:null/1-2', 'file:///home/me/verify-offline.html'],
    ['blob:null/1-2', 'blob:null/3-4'],
  ])('%s on %s', (address, page) => {
    expect(ownScript(address, page)).toBe(new URL(address, page).href);
  });
});

describe('no worker starts from', () => {
  test.each([
    ['https://other.example/a.js', 'https://vote.example/verify.html'],
    ['//other.example/a.js', 'https://vote.example/'],
    ['http://vote.example/a.js', 'https://vote.example/'],
    ['data:text/javascript,0', 'https://vote.example/'],
    ['javascript:0', 'https://vote.example/'],
    ['blob:https://other.example/1', 'https://vote.example/'],
    ['file:///tmp/a.js', 'file:///home/me/verify-offline.html'],
    ['https://vote.example/a.js', 'file:///home/me/verify-offline.html'],
  ])('%s on %s', (address, page) => {
    expect(() => ownScript(address, page)).toThrow(TypeError);
  });
});
