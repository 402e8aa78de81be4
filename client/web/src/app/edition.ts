// Which build this is. `offline` is the verifier as one file, opened from disk: it has no other pages beside it.

export const offline = import.meta.env.MODE === 'offline';
