// Where a board's files come from (docs/spec 3.1, 8.2): absent is null, too long is the board's fault, and a board that does
// not answer in full and in time is none.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { FilesBoard, HttpBoard, MemoryBoard, TooLong, Unreachable, type Patience } from '../../src/board/source.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** The address of a server that answers so. */
async function serving(answer: Answer): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/board`;
}

const SHORT: Patience = { silence: 150, whole: 60_000 };
const boardOf = async (answer: Answer, patience?: Patience) => new HttpBoard(await serving(answer), patience);

describe('a board over HTTP', () => {
  it('gives its files, byte for byte, with or without a slash behind its address', async () => {
    const all = Uint8Array.from({ length: 100_000 }, (_, at) => at & 255);
    const asked: string[] = [];
    const address = await serving((request, response) => {
      asked.push(request.url ?? '');
      for (let at = 0; at < all.length; at += 7919) response.write(all.subarray(at, at + 7919));
      response.end();
    });
    for (const url of [address, `${address}/`, `${address}//`]) {
      const board = new HttpBoard(url);
      expect(board.location).toBe(address);
      expect(await board.read('tile/0/000', 100_000)).toEqual(all);
    }
    expect(new Set(asked)).toEqual(new Set(['/board/tile/0/000']));
  });

  it('may have empty files, and files of exactly the limit', async () => {
    const board = await boardOf((request, response) => response.end(request.url?.endsWith('empty') ? '' : 'abc'));
    expect(await board.read('empty', 0)).toEqual(new Uint8Array());
    expect(await board.read('full', 3)).toEqual(utf8('abc'));
    await expect(board.read('full', 2)).rejects.toBeInstanceOf(TooLong);
  });

  it('says with 404, and with nothing else, that a file is not there', async () => {
    const board = await boardOf((request, response) => {
      response.statusCode = Number(request.url?.split('/').at(-1));
      response.end('no');
    });
    expect(await board.read('404', 9)).toBeNull();
    for (const status of [201, 204, 206, 400, 401, 403, 410, 429, 500, 503]) {
      await expect(board.read(String(status), 9)).rejects.toBeInstanceOf(Unreachable);
    }
  });

  it('that answers "elsewhere" has not answered, and nobody goes there', async () => {
    let followed = 0;
    const elsewhere = await serving((_request, response) => {
      followed += 1;
      response.end('elsewhere');
    });
    for (const status of [301, 302, 303, 307, 308]) {
      const board = await boardOf((_request, response) => response.writeHead(status, { location: elsewhere }).end());
      await expect(board.read('checkpoint', 99)).rejects.toBeInstanceOf(Unreachable);
    }
    expect(followed).toBe(0);
  });

  it('that nobody listens for, that hangs up, or that breaks off cannot be read', async () => {
    const silent = new HttpBoard('http://127.0.0.1:9/');
    await expect(silent.read('checkpoint', 9)).rejects.toBeInstanceOf(Unreachable);
    await expect(new HttpBoard('no address').read('checkpoint', 9)).rejects.toBeInstanceOf(Unreachable);
    const hangsUp = await boardOf((request) => request.socket.destroy());
    await expect(hangsUp.read('checkpoint', 9)).rejects.toBeInstanceOf(Unreachable);
    const breaksOff = await boardOf((request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('part');
      setTimeout(() => request.socket.destroy(), 20);
    });
    await expect(breaksOff.read('checkpoint', 100)).rejects.toBeInstanceOf(Unreachable);
  });

  it('is given up when it says nothing, before its answer or within it', async () => {
    const never = await boardOf(() => undefined, SHORT);
    await expect(never.read('checkpoint', 9)).rejects.toThrow(/not answer in time/u);
    const within = await boardOf((_request, response) => void response.writeHead(200).write('part'), SHORT);
    await expect(within.read('checkpoint', 9)).rejects.toThrow(/not answer in time/u);
  });

  it('is given up when its bytes trickle in for ever, though it is never silent for long', async () => {
    const trickles: Answer = (_request, response) => {
      response.writeHead(200);
      const clock = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(clock));
    };
    const board = await boardOf(trickles, { silence: 5_000, whole: 200 });
    const began = Date.now();
    await expect(board.read('checkpoint', 1_000)).rejects.toThrow(/not answer in time/u);
    expect(Date.now() - began).toBeLessThan(4_000);
  });

  it('has all the time it needs as long as bytes come', async () => {
    const board = await boardOf(
      (_request, response) => {
        let left = 8;
        const clock = setInterval(() => {
          left -= 1;
          response.write('x');
          if (left > 0) return;
          clearInterval(clock);
          response.end();
        }, 50);
      },
      { silence: 300, whole: 60_000 },
    );
    expect(await board.read('checkpoint', 9)).toEqual(utf8('xxxxxxxx'));
  });

  it('is not read beyond the limit', async () => {
    let closed = (): void => undefined;
    const over = new Promise<void>((resolve) => (closed = resolve));
    const board = await boardOf((_request, response) => {
      const block = new Uint8Array(65_536);
      const more = (): void => {
        while (response.write(block));
        response.once('drain', more);
      };
      response.on('close', closed);
      more();
    });
    await expect(board.read('checkpoint', 1_000)).rejects.toBeInstanceOf(TooLong);
    await over;
  });

  it('learns nothing of who reads, and no checkpoint comes out of a cache', async () => {
    const seen: RequestInit[] = [];
    const real = globalThis.fetch;
    globalThis.fetch = (_url, init) => {
      seen.push(init ?? {});
      return Promise.resolve(new Response('x'));
    };
    try {
      const board = new HttpBoard('https://board.example');
      for (const path of ['checkpoint', 'checkpoint.opening', 'tile/entries/000']) await board.read(path, 9);
    } finally {
      globalThis.fetch = real;
    }
    expect(seen.map(({ cache }) => cache)).toEqual(['no-store', 'no-store', 'default']);
    for (const { credentials, redirect, referrerPolicy } of seen) {
      expect([credentials, redirect, referrerPolicy]).toEqual(['omit', 'error', 'no-referrer']);
    }
  });
});

describe('a board in memory or in a folder', () => {
  const files = new Map([
    ['checkpoint', utf8('abc')],
    ['tile/0/000.p/1', utf8('tile')],
  ]);
  const folder = [...files].map(([path, raw]) => ({
    path,
    file: new File([raw as Uint8Array<ArrayBuffer>], 'any name'),
  }));

  it.each([
    ['memory', new MemoryBoard(files)],
    ['a folder', new FilesBoard(folder, 'saved')],
  ])('of %s has its files by their whole path, and no other', async (_name, board) => {
    expect(await board.read('checkpoint', 3)).toEqual(utf8('abc'));
    expect(await board.read('tile/0/000.p/1', 99)).toEqual(utf8('tile'));
    await expect(board.read('checkpoint', 2)).rejects.toBeInstanceOf(TooLong);
    for (const path of ['', 'tile', 'tile/0/000', '../checkpoint', '/checkpoint', 'Checkpoint', 'toString']) {
      expect(await board.read(path, 99)).toBeNull();
    }
  });

  it('cannot be read where a file went away after it was chosen', async () => {
    const gone = new File(['abc'], 'checkpoint');
    gone.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotFoundError'));
    const board = new FilesBoard([{ path: 'checkpoint', file: gone }], 'saved');
    await expect(board.read('checkpoint', 9)).rejects.toBeInstanceOf(Unreachable);
  });
});
