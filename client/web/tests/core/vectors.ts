// Where test vectors come from: this specification's own, and published ones that the project does not copy.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../../', import.meta.url);

/** A file of docs/spec/vectors. */
export function ownVectors(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`docs/spec/vectors/${file}`, ROOT), 'utf8'));
}

const PUBLISHED = process.env['RETALLY_VECTORS'] ?? fileURLToPath(new URL('../shared/vectors', ROOT));

/** A file of published vectors, or null with a warning where they are absent. */
export function publishedVectors(file: string): unknown {
  const path = `${PUBLISHED}/${file}`;
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'));
  process.emitWarning(
    `published vectors ${file} are absent: their tests are skipped (RETALLY_VECTORS names their folder)`,
  );
  return null;
}
