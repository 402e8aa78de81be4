// Three builds into one folder, by mode: `voter` (index.html), `verify` (verify.html), `offline` (verify-offline.html,
// then the listing). Each page is one script and one style sheet, so that subresource integrity covers all of its code;
// workers, which have no integrity attribute, are files of their own under the listing. Names and bytes depend on the
// sources alone: two clean builds are equal.

import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin, PluginOption } from 'vite';
import { defineConfig } from 'vitest/config';
import { engineModule } from './build/accelerator.ts';
import { writeListing } from './build/listing.ts';
import { finishPage } from './build/pages.ts';
import { onePage, workersAsBlobs } from './build/singleFile.ts';

/** Svelte, with class names from the style's text, not from the file's place on a disk. */
function components(): PluginOption[] {
  return [svelte({ compilerOptions: { cssHash: ({ hash, css }) => `s-${hash(css)}` } })];
}

function pagePlugins(mode: string): (Plugin | PluginOption)[] {
  if (mode === 'offline')
    return [workersAsBlobs(components), onePage('verify.html', 'verify-offline.html'), writeListing()];
  return [finishPage(mode === 'verify' ? 'verify.html' : 'index.html')];
}

export default defineConfig(({ mode }) => ({
  base: './',
  plugins: [components(), engineModule(mode === 'verify'), pagePlugins(mode)],
  publicDir: mode === 'voter' || mode === 'development' ? 'public' : false,
  worker: { format: 'iife', rollupOptions: { output: { inlineDynamicImports: true } } },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: mode === 'voter',
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    rollupOptions: {
      input: mode === 'voter' ? 'index.html' : 'verify.html',
      output: { inlineDynamicImports: true },
    },
  },
  // No test is about time: a machine that is busy with something else may take as long as it likes.
  test: { include: ['tests/**/*.test.ts'], testTimeout: 120_000 },
}));
