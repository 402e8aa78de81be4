// The page's one Trusted Types policy of its own. It lets workers start from this build's own files and nothing else;
// no HTML and no script text can pass through it. Svelte's own policy (`svelte-trusted-html`) turns the constant
// templates of components into elements. These two names are all that the Content-Security-Policy allows.

interface ScriptUrlPolicy {
  createScriptURL(address: string): string;
}

interface PolicyFactory {
  createPolicy(name: string, rules: ScriptUrlPolicy): ScriptUrlPolicy;
}

/** Throws unless `address` is one of this page's own files, or a blob: that this page made. */
export function ownScript(address: string, page: string = self.location.href): string {
  const own = new URL(page);
  const url = new URL(address, page);
  // A page from disk has the opaque origin 'null', and so have the blobs it makes.
  const sameOrigin = url.origin === own.origin && url.protocol !== 'file:' && url.protocol !== 'data:';
  const blob =
    url.protocol === 'blob:' && (url.origin === own.origin || own.protocol === 'file:' || own.protocol === 'blob:');
  if (!blob && !(sameOrigin && (url.protocol === 'https:' || url.protocol === 'http:')))
    throw new TypeError(`not a script of this page: ${address}`);
  return url.href;
}

const factory = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
const policy: ScriptUrlPolicy = factory?.createPolicy('retally', {
  createScriptURL: (address) => ownScript(address),
}) ?? {
  createScriptURL: (address) => ownScript(address),
};

/** A worker's address as this page's policy lets it through; throws TypeError for any that is not this page's own. */
export function scriptUrl(address: string): string {
  return policy.createScriptURL(address);
}

/**
 * Starts a worker from an address that the build gives: `import address from './some.worker.ts?worker&url'`.
 * Works alike from a server and, where the build puts the worker inside the page, from disk, where Chromium starts only
 * classic workers; only the development server, which bundles nothing, needs a module.
 */
export function startWorker(address: string, name: string): Worker {
  return new Worker(scriptUrl(address), { type: import.meta.env.DEV ? 'module' : 'classic', name });
}
