//! What the engine has done, counted: the guard against regressions counts operations, because seconds depend on the
//! machine and on what else it does.
//!
//! One addition to a shared counter for every bulk call, none within.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that only grows.
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Counter(AtomicU64::new(0))
    }

    pub fn add(&self, amount: usize) {
        self.0.fetch_add(amount as u64, Relaxed);
    }
}

/// Encodings of elements that were decompressed.
pub static DECOMPRESSIONS: Counter = Counter::new();
/// Terms of multi-scalar multiplications in variable time.
pub static TERMS: Counter = Counter::new();
/// Additions of elements to sums of columns.
pub static ADDITIONS: Counter = Counter::new();
/// Bytes that SHA-256 and SHAKE128 took in.
pub static HASHED: Counter = Counter::new();
/// Bytes decoded from text or handed over to the interpreter.
pub static COPIED: Counter = Counter::new();

/// Every counter with its name.
pub fn all() -> [(&'static str, u64); 5] {
    [
        ("decompressions", &DECOMPRESSIONS),
        ("terms", &TERMS),
        ("additions", &ADDITIONS),
        ("hashed", &HASHED),
        ("copied", &COPIED),
    ]
    .map(|(name, counter)| (name, counter.0.load(Relaxed)))
}
