// verify-offline.html: the verifier as one file that works from disk. Its script and style stand in the page and are
// allowed by their digests alone; its workers are Blobs that the script makes from text it carries.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { OutputAsset, OutputBundle, OutputChunk } from 'rollup';
import { build, type Plugin, type PluginOption } from 'vite';
import { policyOf, publishedPolicies, withPolicy } from './policy.ts';

const WORKER = '?worker&url';

/** Turns `import address from './some.worker.ts?worker&url'` into the address of a Blob with the whole worker in it. */
export function workersAsBlobs(shared: () => PluginOption[]): Plugin {
  let root = '';
  return {
    name: 'retally-worker-blob',
    enforce: 'pre',
    configResolved(config) {
      root = config.root;
    },
    async load(id) {
      if (!id.endsWith(WORKER)) return null;
      const built = await build({
        configFile: false,
        root,
        mode: 'offline',
        logLevel: 'warn',
        publicDir: false,
        plugins: [workersAsBlobs(shared), shared()],
        build: {
          target: 'es2022',
          write: false,
          rollupOptions: { input: id.slice(0, -WORKER.length), output: { format: 'iife', inlineDynamicImports: true } },
        },
      });
      const outputs = (Array.isArray(built) ? built : 'output' in built ? [built] : []).flatMap(({ output }) => output);
      const [chunk, ...others] = outputs;
      if (chunk?.type !== 'chunk' || others.length > 0) throw new Error(`a worker must be one script: ${id}`);
      return `export default URL.createObjectURL(new Blob([${JSON.stringify(chunk.code)}], { type: 'text/javascript' }));`;
    },
  };
}

function digest(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

function only<T>(found: readonly T[], what: string): T {
  const [one] = found;
  if (one === undefined || found.length !== 1)
    throw new Error(`${String(found.length)} files of ${what}, expected one`);
  return one;
}

function textOf(asset: OutputAsset): string {
  return typeof asset.source === 'string' ? asset.source : new TextDecoder().decode(asset.source);
}

/** Puts script, style and icon into `page`, gives it its policy, and leaves that one file as `name`, beside csp.json. */
export function onePage(page: string, name: string): Plugin {
  let [root, folder] = ['', ''];
  return {
    name: 'retally-one-page',
    enforce: 'post',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      folder = resolve(root, config.build.outDir);
    },
    generateBundle: {
      order: 'post',
      handler(_options, bundle: OutputBundle) {
        const files = Object.values(bundle);
        const assets = files.filter((file): file is OutputAsset => file.type === 'asset');
        const script = only(
          files.filter((file): file is OutputChunk => file.type === 'chunk'),
          'script',
        );
        const style = only(
          assets.filter(({ fileName }) => fileName.endsWith('.css')),
          'style',
        );
        const html = only(
          assets.filter(({ fileName }) => fileName === page),
          page,
        );
        const code = script.code
          .trim()
          .replace(/<\/(script)/gi, '<\\/$1')
          .replace(/<!--/g, '\\x3C!--');
        const css = textOf(style).trim();
        const icon = encodeURIComponent(readFileSync(resolve(root, 'public/icon.svg'), 'utf8').trim());
        const policy = policyOf(root, name).replace('{script}', digest(code)).replace('{style}', digest(css));
        const text = textOf(html)
          .replace(/\s*<script\b[^>]*src=[^>]*><\/script>/, '')
          .replace(/\s*<link\b[^>]*rel="stylesheet"[^>]*>/, '')
          .replace(
            /(<link\b[^>]*rel="icon"[^>]*href=")[^"]*/,
            (_tag, before: string) => `${before}data:image/svg+xml,${icon}`,
          )
          .replace('</head>', () => `  <style>${css}</style>\n  </head>`)
          .replace('</body>', () => `  <script type="module">${code}</script>\n  </body>`);
        for (const { fileName } of files) Reflect.deleteProperty(bundle, fileName);
        this.emitFile({ type: 'asset', fileName: name, source: withPolicy(text, policy) });
        this.emitFile({
          type: 'asset',
          fileName: 'csp.json',
          source: publishedPolicies(root, folder, { [name]: policy }),
        });
      },
    },
  };
}
