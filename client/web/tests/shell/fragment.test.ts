// Addresses of the client (src/app/fragment.ts).

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  codeOfLink,
  formatFragment,
  parseFragment,
  parsePlainFragment,
  resolveBoard,
  routeNames,
  verifyHref,
  withoutSecrets,
} from '../../src/app/fragment.ts';

const LINK = '#/vote?board=/elections/trial&election=00ff&code=AAAA-BBBB&code=CCCC-DDDD';

describe('a fragment', () => {
  test('without a path is the list of elections', () => {
    for (const fragment of ['', '#', '#/', '#/?x=1']) expect(parseFragment(fragment)?.name).toBe('home');
  });

  test('names its page, its parameters and the codes in their order', () => {
    expect(parseFragment(LINK)).toEqual({
      name: 'vote',
      params: { board: '/elections/trial', election: '00ff' },
      codes: ['AAAA-BBBB', 'CCCC-DDDD'],
    });
  });

  test('that names no page is told from an anchor', () => {
    expect(parseFragment('#/nothing?board=x')?.name).toBeNull();
    expect(parseFragment('#/home')?.name).toBeNull();
    expect(parseFragment('#main')).toBeNull();
  });

  test('reads back as it was written, whatever the parameters hold', () => {
    const param = fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => name !== 'code'),
      fc.string(),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...routeNames),
        param,
        fc.array(fc.string({ minLength: 1 })),
        (name, params, code) => {
          const place = parseFragment(formatFragment(name, { ...params, code }));
          expect(place).toEqual({ name, params: { ...params }, codes: code });
        },
      ),
    );
  });

  test('cannot give a parameter twice to have the later one taken', () => {
    expect(parseFragment('#/vote?board=/a&board=/b')?.params['board']).toBe('/a');
  });
});

describe('a link', () => {
  const place = (fragment: string) => parseFragment(fragment) ?? { codes: [], params: {} };

  test('brings the code of one registrar to its field, and never a second one', () => {
    expect(codeOfLink(place('#/vote?code=AAAA'), 2)).toEqual({ code: 'AAAA', at: 0 });
    expect(codeOfLink(place('#/vote?code=AAAA&registrar=2'), 3)).toEqual({ code: 'AAAA', at: 1 });
    expect(codeOfLink(place(LINK), 2)).toEqual({ code: 'AAAA-BBBB', at: 0 });
  });

  test('brings no code where it would be all there is', () => {
    expect(codeOfLink(place('#/vote?code=AAAA'), 1)).toBeNull();
    expect(codeOfLink(place('#/vote'), 2)).toBeNull();
  });

  test('names no field that is not there', () => {
    for (const [registrar, at] of Object.entries({ '9': 1, '0': 0, '-1': 0, x: 0, '1e1': 0 }))
      expect(codeOfLink(place(`#/vote?code=A&registrar=${registrar}`), 2)?.at).toBe(at);
  });
});

describe('the address bar', () => {
  test('keeps everything but voting codes and openings', () => {
    expect(withoutSecrets(LINK)).toBe('#/vote?board=/elections/trial&election=00ff');
    expect(withoutSecrets('#/check?opening=e30&board=/b')).toBe('#/check?board=/b');
    expect(withoutSecrets('#/vote?code=AAAA')).toBe('#/vote');
  });

  test('is left alone where there is nothing to hide', () => {
    expect(withoutSecrets('#/track?board=/b')).toBeNull();
    expect(withoutSecrets('#/')).toBeNull();
  });

  test('never shows a code again, however the link spells it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('code=SECRET', 'c%6fde=SECRET', 'opening=SECRET', 'board=%2Fb', '&')),
        (parts) => {
          const link = `#/vote?${parts.join('&')}`;
          expect(withoutSecrets(link) ?? link).not.toContain('SECRET');
        },
      ),
    );
  });
});

describe('addresses', () => {
  test('of the verifier carry its parameters as a plain fragment', () => {
    expect(verifyHref({ board: '/elections/trial', election: undefined })).toBe('verify.html#board=/elections/trial');
    expect(verifyHref()).toBe('verify.html');
    expect(parsePlainFragment('#board=/elections/trial&election=00')).toEqual({
      board: '/elections/trial',
      election: '00',
    });
  });

  test('of a board are taken from the page’s origin or as they are', () => {
    expect(resolveBoard('/elections/trial', 'https://vote.example/a/index.html').href).toBe(
      'https://vote.example/elections/trial/',
    );
    expect(resolveBoard('https://other.example/b/', 'https://vote.example/').href).toBe('https://other.example/b/');
  });

  test('of a board are never a script or a file', () => {
    for (const board of ['javascript:alert(1)', 'file:///etc', 'data:text/html,x', 'blob:https://a/b'])
      expect(() => resolveBoard(board, 'https://vote.example/')).toThrow(TypeError);
  });
});
