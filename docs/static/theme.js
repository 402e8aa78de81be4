// The theme that the reader chose. A ballot server gives these pages an origin of their own, which has no storage: the
// choice then lasts for a page.
try {
  window.localStorage;
} catch {
  const kept = new Map();
  Object.defineProperty(window, 'localStorage', {
    value: {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, value) => kept.set(name, value),
      removeItem: (name) => kept.delete(name),
    },
  });
}
document.body.dataset.theme = localStorage.getItem('theme') || 'auto';
