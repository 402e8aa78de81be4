// Builds the verifier without its page: `vite build --config vite.node.config.ts` writes dist-node/verifyFolders.js and its
// worker for Node, with everything they need in them; with `--mode browser`, dist-node/browser for tests in a browser;
// with `--mode readers`, dist-node/readers for tests that compare what every reader accepts.
import { defineConfig, type BuildOptions } from 'vite';
import { engineModule } from './build/accelerator.ts';

const FOR_NODE: BuildOptions = {
  ssr: true,
  target: 'node20',
  outDir: 'dist-node',
  emptyOutDir: false,
  minify: false,
  rollupOptions: {
    input: { verifyFolders: 'node/verifyFolders.ts', proofWorker: 'node/proofWorker.ts' },
    output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
  },
};

const FOR_BROWSERS: BuildOptions = {
  target: 'es2022',
  outDir: 'dist-node/browser',
  minify: false,
  modulePreload: false,
  assetsInlineLimit: 0,
  rollupOptions: { input: 'node/inBrowser.ts', output: { entryFileNames: '[name].js' } },
};

const READERS: BuildOptions = {
  ...FOR_NODE,
  outDir: 'dist-node/readers',
  rollupOptions: { input: 'node/readers.ts', output: { entryFileNames: '[name].js' } },
};

const BUILDS: Readonly<Record<string, BuildOptions>> = { browser: FOR_BROWSERS, readers: READERS };

export default defineConfig(({ mode }) => ({
  base: './',
  publicDir: false,
  plugins: [engineModule(mode === 'browser')],
  ssr: { noExternal: true },
  worker: { format: 'iife' as const },
  build: BUILDS[mode] ?? FOR_NODE,
}));
