// A board in a folder on disk, for Node (docs/spec 3.1).
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { TooLong, type BoardSource } from '../src/board/source.ts';

export class FolderBoard implements BoardSource {
  constructor(readonly location: string) {}

  async read(path: string, limit: number): Promise<Uint8Array | null> {
    let file;
    try {
      // Without O_NONBLOCK a named pipe would be waited for before anybody could see what it is.
      file = await open(join(this.location, path), constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
      throw error;
    }
    try {
      const status = await file.stat();
      if (!status.isFile()) throw new Error(`${path} in ${this.location} is no regular file`);
      const { size } = status;
      if (size > limit) throw new TooLong(`${path} is longer than ${limit} bytes`);
      return new Uint8Array(await file.readFile());
    } finally {
      await file.close();
    }
  }
}
