// A board's files as one uncompressed archive (POSIX ustar), so that a page can hand out the folder that any verifier
// reads after unpacking (docs/spec 3.1). The same files give the same bytes: no times, owners or machine in it.

const BLOCK = 512;

export interface ArchiveFile {
  /** Relative, with forward slashes. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** Blob pieces of the archive, in the order of `files`; nothing is copied. Throws RangeError if a path is too long. */
export function tarParts(files: readonly ArchiveFile[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (const file of files) {
    pieces.push(header(file), file.content);
    const rest = file.content.length % BLOCK;
    if (rest) pieces.push(new Uint8Array(BLOCK - rest));
  }
  pieces.push(new Uint8Array(2 * BLOCK));
  return pieces;
}

function header(file: ArchiveFile): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const path = new TextEncoder().encode(file.path);
  if (path.length > 100) throw new RangeError(`${file.path} is longer than 100 bytes`);
  const put = (text: string, at: number): void => block.set(new TextEncoder().encode(text), at);
  const octal = (value: number, width: number): string => value.toString(8).padStart(width - 1, '0') + '\0';
  block.set(path, 0);
  put(octal(0o644, 8), 100);
  put(octal(0, 8), 108);
  put(octal(0, 8), 116);
  put(octal(file.content.length, 12), 124);
  put(octal(0, 12), 136);
  put(' '.repeat(8), 148);
  put('0', 156);
  put('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(sum.toString(8).padStart(6, '0') + '\0 ', 148);
  return block;
}
