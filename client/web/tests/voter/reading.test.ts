// Reading a board before voting: nothing is believed that is not proved (docs/spec 3, 5, 6.7, 8).
import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/core/bytes.ts';
import { formatVoterCode } from '../../src/core/codes.ts';
import { readVoterCode, splitCodes, voterOf } from '../../src/voter/codeEntry.ts';
import { NotThere, ProvedBoard } from '../../src/voter/provedBoard.ts';
import { NotOnRoll, OpenedElection, readView } from '../../src/voter/reading.ts';
import { castFor, openedOf } from './booth.ts';
import { codesOf, electionHex, FakeServer } from './fakeServer.ts';

describe('reading the election', () => {
  test('a size that nobody could serve is asked for a few tiles at a time', async () => {
    let asked = 0;
    const source = {
      location: 'https://ballots.example',
      read: async () => {
        asked += 1;
        return null;
      },
    };
    await expect(ProvedBoard.open(source, { size: 2 ** 36, root: new Uint8Array(32) })).rejects.toThrow(NotThere);
    expect(asked).toBeLessThan(100);
  });

  test('the roll gives a voter of the vectors her style and no ballot yet', async () => {
    const server = new FakeServer();
    const opened = await openedOf(server);
    const voter = voterOf(codesOf('north-1'), opened.view.electionId, opened.state.roll.credentials);
    const standing = await opened.standing(voter.credential, { means: server.means });
    expect(opened.view.manifest.styles[standing.style]?.id).toBe('north');
    expect(standing.ballots).toEqual([]);
    expect(standing.foundBy).toBe('board');
    expect(toHex(standing.previous)).toBe('00'.repeat(32));
  });

  test('codes in each other’s fields are recognised', async () => {
    const opened = await openedOf(new FakeServer());
    const [first, second] = codesOf('south-2');
    const right = voterOf([first!, second!], opened.view.electionId, opened.state.roll.credentials);
    const swapped = voterOf([second!, first!], opened.view.electionId, opened.state.roll.credentials);
    expect(toHex(swapped.credential)).toBe(toHex(right.credential));
  });

  test('codes of nobody are on no roll', async () => {
    const opened = await openedOf(new FakeServer());
    const codes = [new Uint8Array(15), new Uint8Array(15).fill(1)];
    const voter = voterOf(codes, opened.view.electionId, opened.state.roll.credentials);
    await expect(opened.standing(voter.credential)).rejects.toBeInstanceOf(NotOnRoll);
  });

  test('a board of another election than the link names is refused', async () => {
    await expect(readView(new FakeServer(), '00'.repeat(32))).rejects.toThrow(/another|the link names/u);
  });

  test('a board without the quorum of witnesses is not voted on', async () => {
    const server = new FakeServer();
    server.witnesses = [1];
    const view = await readView(server, electionHex);
    await expect(OpenedElection.read(view)).rejects.toThrow(/quorum/u);
  });

  test('a checkpoint with a wrong signature is refused', async () => {
    const server = new FakeServer();
    const read = server.read.bind(server);
    server.read = async (path, limit) => {
      const raw = await read(path, limit);
      if (path === 'checkpoint' && raw !== null) raw[raw.length - 8] = raw[raw.length - 8] === 65 ? 66 : 65;
      return raw;
    };
    await expect(readView(server, electionHex)).rejects.toThrow(/cosignature|signature|base64/u);
  });

  test.each(['tile/entries/000.p/15', 'tile/000'])('a changed file %s is found out', async (start) => {
    const server = new FakeServer();
    const read = server.read.bind(server);
    const view = await readView(server, electionHex);
    server.read = async (path, limit) => {
      const raw = await read(path, limit);
      if (raw !== null && (path === start || path === 'tile/0/000.p/15')) raw[raw.length - 1]! ^= 1;
      return raw;
    };
    await expect(OpenedElection.read(view)).rejects.toMatchObject({ name: 'WrongFiles' });
  });

  test('a board that was not opened is not voted on', async () => {
    const server = new FakeServer();
    server.entries.pop();
    await expect(openedOf(server)).rejects.toMatchObject({ name: 'NotOpen' });
  });

  test('a ballot under the code that the voter did not cast is listed with its position and code', async () => {
    const server = new FakeServer();
    const { outcome } = await castFor(server, 'north-2', [[1, 0], [2]]);
    if (outcome.kind !== 'recorded') throw new Error(outcome.kind);
    const opened = await openedOf(server);
    const voter = voterOf(codesOf('north-2'), opened.view.electionId, opened.state.roll.credentials);
    const standing = await opened.standing(voter.credential, { means: server.means });
    expect(standing.ballots).toEqual([
      { index: 15, trackingCode: outcome.receipt.trackingCode, bodyHash: outcome.receipt.bodyHash },
    ]);
    expect(toHex(standing.previous)).toBe(toHex(outcome.receipt.bodyHash));
  });

  test('an entry under one’s credential whose proof is wrong is named and never continued from', async () => {
    const server = new FakeServer();
    const { entry } = await castFor(server, 'south-1', [[1, 0]]);
    const text = new TextDecoder().decode(entry);
    const proof = /"proof":"([^"]+)"/u.exec(text)?.[1] ?? '';
    // The last scalar of another one of the same board: well encoded, and wrong.
    const other = await castFor(new FakeServer(), 'south-1', [[0, 1]]);
    const foreign = /"proof":"([^"]+)"/u.exec(new TextDecoder().decode(other.entry))?.[1] ?? '';
    expect(foreign).not.toBe(proof);
    server.entries[15] = new TextEncoder().encode(text.replace(proof, foreign));
    const opened = await openedOf(server);
    const voter = voterOf(codesOf('south-1'), opened.view.electionId, opened.state.roll.credentials);
    const standing = await opened.standing(voter.credential, { means: server.means });
    expect(standing.ballots).toEqual([]);
    expect(standing.strange.map(({ index, check }) => [index, check])).toEqual([[15, 'V10']]);
    expect(toHex(standing.previous)).toBe('00'.repeat(32));
  });
});

describe('codes as people type them', () => {
  const code = formatVoterCode(codesOf('north-1')[0]!);

  test('lower case, look-alikes, other dashes and spaces read alike', () => {
    const read = readVoterCode(` ${code.toLowerCase().replace(/-/g, '–').replace(/1/g, 'l').replace(/0/g, 'o')}\t`);
    expect('value' in read && toHex(read.value)).toBe(toHex(codesOf('north-1')[0]!));
  });

  test('codes that were pasted together fill their fields', () => {
    const codes = codesOf('north-1').map(formatVoterCode);
    for (const between of ['', ' ', ', ', '\n', '\r\n']) expect(splitCodes(codes.join(between))).toEqual(codes);
    expect(splitCodes(code)).toEqual([code]);
    expect(splitCodes('')).toEqual([]);
  });

  test('a fault names its kind and its place', () => {
    expect(readVoterCode('')).toEqual({ fault: { name: 'missing', params: {} } });
    expect(readVoterCode(code.slice(0, -1))).toEqual({ fault: { name: 'short', params: { count: 27, wanted: 28 } } });
    expect(readVoterCode(`${code}A`)).toEqual({ fault: { name: 'long', params: { count: 29, wanted: 28 } } });
    const odd = `${code.slice(0, 5)}U${code.slice(6)}`;
    expect(readVoterCode(odd)).toEqual({ fault: { name: 'symbol', params: { place: 5, symbol: 'U' } } });
    const last = code.at(-1) === 'A' ? 'B' : 'A';
    expect(readVoterCode(code.slice(0, -1) + last)).toEqual({ fault: { name: 'check', params: {} } });
  });
});
