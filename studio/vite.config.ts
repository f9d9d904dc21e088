import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

const service = process.env.NOISICIAN_URL ?? 'http://127.0.0.1:8484'

// Fixed names, and two parts: the page, and the editor that a take opens in. The bundle is committed and served by the
// Python package, offline.
export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: {
    outDir: '../noisician/service/static',
    emptyOutDir: true,
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    modulePreload: false,
    sourcemap: false,
    license: { fileName: 'licences.md' },
    rolldownOptions: {
      output: {
        entryFileNames: 'studio.js',
        chunkFileNames: 'editor.js',
        assetFileNames: (asset) => (asset.names[0]?.endsWith('.css') ? 'studio.css' : '[name][extname]'),
      },
    },
  },
  server: {
    port: 5173,
    proxy: { '/v1': service, '/health': service },
  },
  test: {
    include: ['src/**/*.test.ts'],
  },
})
