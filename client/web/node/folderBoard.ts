// A board in a folder on disk, for Node (docs/spec 3.1).
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { TooLong, type BoardSource } from '../src/board/source.ts';

export class FolderBoard implements BoardSource {
  constructor(readonly location: string) {}

  async read(path: string, limit: number): Promise<Uint8Array | null> {
    let file;
    try {
      file = await open(join(this.location, path));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
      throw error;
    }
    try {
      const { size } = await file.stat();
      if (size > limit) throw new TooLong(`${path} is longer than ${limit} bytes`);
      return new Uint8Array(await file.readFile());
    } finally {
      await file.close();
    }
  }
}
