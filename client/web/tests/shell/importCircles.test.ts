// `npm run check` refuses modules that import each other in a circle, in whatever way they do.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SCRIPT = new URL('../../scripts/importCircles.js', import.meta.url).pathname;

function circlesOf(files: Readonly<Record<string, string>>): { status: number | null; told: string } {
  const folder = mkdtempSync(join(tmpdir(), 'circles-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const { status, stderr } = spawnSync(process.execPath, [SCRIPT, folder], { encoding: 'utf8' });
    return { status, told: stderr.replaceAll(`${folder}/`, '') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('circles of types, of components, of workers and of what is imported late are found, each once', () => {
  const { status, told } = circlesOf({
    'a.ts': "import type { B } from './b.ts';\nexport type A = B;",
    'b.ts': "export type B = import('./c.ts').C;",
    'c.ts': "export type { A as C } from './a.ts';",
    'Page.svelte': '<script lang="ts">import { load } from \'./load.ts\';\nload();</script>',
    'load.ts': "import type { Props } from './Page.svelte';\nexport const load = (): Props | null => null;",
    'start.ts': "import address from './own.worker.ts?worker&url';\nexport const start = () => new Worker(address);",
    'own.worker.ts': "const { start } = await import('./start.ts');\nstart();",
    'leaf.ts': 'export const leaf = 1;',
    'tree.ts': "import { leaf } from './leaf.ts';\nexport const tree = [leaf];",
  });
  expect(status).toBe(1);
  expect(told.trim().split('\n')).toEqual([
    'imports in a circle: Page.svelte → load.ts → Page.svelte',
    'imports in a circle: a.ts → b.ts → c.ts → a.ts',
    'imports in a circle: own.worker.ts → start.ts → own.worker.ts',
  ]);
});

test('a tree is no circle', () => {
  const files = { 'a.ts': "import { b } from './b.ts';\nexport const a = b;", 'b.ts': 'export const b = 1;' };
  expect(circlesOf(files)).toEqual({ status: 0, told: '' });
});
