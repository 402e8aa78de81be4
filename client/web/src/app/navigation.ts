// The links of the header: the pages of the election at hand, or the list of elections.

import { t } from '../i18n/index.svelte.ts';
import { href, route, verifyHref, type RouteName } from './router.svelte.ts';

export interface NavigationLink {
  readonly label: string;
  readonly href: string;
  readonly current: boolean;
}

/** `board` and `election` as the address gives them; `page` is the page shown, 'verify' on verify.html. */
export function navigationLinks(
  page: RouteName | 'verify' | null,
  board: string | undefined,
  election: string | undefined,
): readonly NavigationLink[] {
  const here = { board, election };
  const verify = {
    label: t('app.nav.verify'),
    href: verifyHref(board === undefined ? {} : here),
    current: page === 'verify',
  };
  if (board === undefined) return [{ label: t('app.nav.home'), href: href('home'), current: page === 'home' }, verify];
  const pages = ['election', 'vote', 'track', 'results'] as const;
  return [
    ...pages.map((name) => ({ label: t(`app.nav.${name}`), href: href(name, here), current: page === name })),
    verify,
  ];
}

/** For index.html, from the route shown. */
export function routeLinks(): readonly NavigationLink[] {
  return navigationLinks(route.name, route.params['board'], route.params['election']);
}
