// Where the reader is: the route shown, read from the fragment. A voting code in a link is read once into memory and at
// once taken out of the address bar, so that no screenshot shows it. The browser's history has the link by then, and no
// page can take it out again: that is why links carry at most one of several codes (fragment.ts).

import { formatFragment, parseFragment, withoutSecrets } from './fragment.ts';
import type { LinkParams, Place, RouteName, RouteParams } from './fragment.ts';

export { resolveBoard, verifyHref } from './fragment.ts';
export type { LinkParams, RouteName, RouteParams } from './fragment.ts';

const here = $state<{ place: Place; visits: number }>({
  place: { name: 'home', params: {}, codes: [] },
  visits: 0,
});

/** The route shown (reactive). `codes` are the voting codes of the link that was opened; they live in memory only. */
export const route = {
  get name(): RouteName | null {
    return here.place.name;
  },
  get params(): RouteParams {
    return here.place.params;
  },
  get codes(): readonly string[] {
    return here.place.codes;
  },
  /** Grows with every navigation: a key for pages that must start afresh. */
  get visits(): number {
    return here.visits;
  },
};

function read(): void {
  const place = parseFragment(location.hash);
  if (place === null) return; // an anchor within the page
  const clean = withoutSecrets(location.hash);
  if (clean !== null) history.replaceState(history.state, '', location.pathname + location.search + clean);
  here.place = place;
  here.visits += 1;
}

/** Starts following the address bar; returns the function that stops. */
export function startRouter(): () => void {
  read();
  addEventListener('hashchange', read);
  return () => {
    removeEventListener('hashchange', read);
  };
}

/** Goes to a page. Codes given here are kept in memory and never reach the address bar. */
export function navigate(name: RouteName, params: LinkParams = {}): void {
  const fragment = formatFragment(name, params);
  history.pushState(null, '', location.pathname + location.search + (withoutSecrets(fragment) ?? fragment));
  here.place = parseFragment(fragment) ?? here.place;
  here.visits += 1;
  scrollTo(0, 0);
}

/** Forgets the codes of the link that was opened. */
export function forgetCodes(): void {
  here.place = { ...here.place, codes: [] };
}

/** The address of a page for a link. From verify.html it leads back to index.html. */
export function href(name: RouteName, params: LinkParams = {}): string {
  const page = typeof document === 'undefined' || !/\/verify[^/]*\.html$/.test(location.pathname) ? '' : 'index.html';
  return page + formatFragment(name, params);
}
