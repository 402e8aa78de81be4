// Builds the verifier for Node: `vite build --config vite.node.config.ts` writes dist-node/verifyFolders.js and its worker,
// with everything they need in them.
import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'dist-node',
    minify: false,
    rollupOptions: {
      input: { verifyFolders: 'node/verifyFolders.ts', proofWorker: 'node/proofWorker.ts' },
      output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
    },
  },
  ssr: { noExternal: true },
});
