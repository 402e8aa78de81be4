import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: { target: 'es2022', outDir: 'dist', rollupOptions: { input: ['index.html', 'verify.html'] } },
  test: { include: ['tests/**/*.test.ts'] },
});
