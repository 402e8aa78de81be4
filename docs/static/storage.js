// A ballot server gives these pages an origin of their own, which has no storage: the theme's switch then lasts for a page.
try {
  window.localStorage;
} catch {
  const kept = new Map();
  Object.defineProperty(window, 'localStorage', {
    value: { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) },
  });
}
