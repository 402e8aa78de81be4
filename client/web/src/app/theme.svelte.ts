// Light or dark: as the device says, or as the reader chose on this device.

export const themes = ['auto', 'light', 'dark'] as const;

export type Theme = (typeof themes)[number];

const STORED = 'retally.theme';

function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(STORED);
    return themes.find((theme) => theme === stored) ?? 'auto';
  } catch {
    return 'auto'; // storage is refused in some private windows and for files
  }
}

const state = $state<{ theme: Theme }>({ theme: 'auto' });

function show(theme: Theme): void {
  state.theme = theme;
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

export function theme(): Theme {
  return state.theme;
}

/** Applies the stored choice; called once before the first page is drawn. */
export function startTheme(): void {
  show(storedTheme());
}

export function setTheme(chosen: Theme): void {
  show(chosen);
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // not remembered, still shown
  }
}
