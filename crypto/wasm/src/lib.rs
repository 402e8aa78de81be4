//! The native engine's batch verification for WebAssembly: plain functions over linear memory, for one caller, the
//! accelerator of the verifier's page (client/web/src/accelerator).
//!
//! The caller reserves memory, writes its arguments there, calls, reads the answer, and releases. All lengths are in
//! bytes. Nothing here is secret. There are no threads: rayon, finding none, works in the calling one.
//!
//! The weights of batch verification come from `getrandom`, whose only source here is the imported `retally.random`,
//! which must be the browser's `crypto.getRandomValues`. `verify_batch` asks for them when every input has been read, and
//! nobody else runs in this memory until it returns, so that no proof can depend on its weights.
//!
//! This is the only crate of the project with unsafe code: what crosses the border is a pointer and a length.

use retally_native::batch::{self, Batch};
use retally_native::points::{self, LENGTH};
use retally_native::relation::Relation;
use std::alloc::{Layout, alloc, dealloc};

/// What a function answers that could not use its arguments; the answer's memory is then as it was.
const MALFORMED: i32 = -1;

#[cfg(target_arch = "wasm32")]
mod random {
    #[link(wasm_import_module = "retally")]
    unsafe extern "C" {
        /// Fills memory from `crypto.getRandomValues`; traps if it cannot.
        #[link_name = "random"]
        fn fill(place: *mut u8, length: usize);
    }

    /// getrandom's own backend (`--cfg getrandom_backend="custom"`).
    #[unsafe(no_mangle)]
    unsafe extern "Rust" fn __getrandom_v03_custom(place: *mut u8, length: usize) -> Result<(), getrandom::Error> {
        // SAFETY: getrandom hands over memory that is its to fill.
        unsafe { fill(place, length) };
        Ok(())
    }
}

/// A piece of memory as the caller names it.
///
/// # Safety
/// The caller reserved these bytes and neither writes to nor releases them before the call returns.
unsafe fn bytes<'a>(place: *const u8, length: usize) -> &'a [u8] {
    // SAFETY: as above; an empty piece may be named by any address.
    if length == 0 { &[] } else { unsafe { std::slice::from_raw_parts(place, length) } }
}

fn layout(length: usize) -> Option<Layout> {
    Layout::from_size_align(length.max(1), 1).ok()
}

/// Memory for so many bytes; null if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    // SAFETY: the size is not zero.
    layout(length).map_or(std::ptr::null_mut(), |layout| unsafe { alloc(layout) })
}

/// Gives back what `reserve` gave.
///
/// # Safety
/// `place` came from `reserve(length)` and was not released before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn release(place: *mut u8, length: usize) {
    if let Some(layout) = layout(length) {
        // SAFETY: as above.
        unsafe { dealloc(place, layout) }
    }
}

/// Writes a byte for each member of the batch to `verdicts`: 0 where its proof verifies, 1 where it does not. Answers 0,
/// or MALFORMED.
///
/// # Safety
/// As `bytes`, for every argument; `verdicts` has `count` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn verify_batch(
    header: *const u8,
    header_length: usize,
    shared: *const u8,
    shared_length: usize,
    elements: *const u8,
    elements_length: usize,
    tags: *const u8,
    tags_length: usize,
    proofs: *const u8,
    proofs_length: usize,
    count: usize,
    verdicts: *mut u8,
) -> i32 {
    // SAFETY: the caller's promise.
    let (header, batch, verdicts) = unsafe {
        let batch = Batch {
            shared: bytes(shared, shared_length),
            elements: bytes(elements, elements_length),
            tags: bytes(tags, tags_length),
            proofs: bytes(proofs, proofs_length),
            count,
        };
        (bytes(header, header_length), batch, std::slice::from_raw_parts_mut(verdicts, count))
    };
    let Ok(verified) = Relation::of(header).and_then(|relation| batch::verify_batch(&relation, &batch)) else {
        return MALFORMED;
    };
    verdicts.fill(0);
    for index in verified.rejected {
        verdicts[index] = 1;
    }
    0
}

/// Writes the sum of each column of a row-major matrix of elements to `sums`. Answers 0, or MALFORMED where an element
/// is not well encoded or is the identity.
///
/// # Safety
/// As `bytes`; `sums` has 32 bytes a column.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sum_columns(elements: *const u8, length: usize, columns: usize, sums: *mut u8) -> i32 {
    // SAFETY: the caller's promise.
    let (elements, sums) = unsafe { (bytes(elements, length), std::slice::from_raw_parts_mut(sums, LENGTH * columns)) };
    if elements.chunks(LENGTH).any(|element| element.iter().all(|byte| *byte == 0)) {
        return MALFORMED;
    }
    let Ok(found) = points::sum_columns(elements, columns) else {
        return MALFORMED;
    };
    sums.copy_from_slice(&found);
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use retally_native::fixed_base::multiply_base;
    use retally_native::prove::prove;

    /// Y = x*G as the draft serialises it.
    fn header() -> Vec<u8> {
        let one = [&[1_u8][..], &[0; 31]].concat();
        let number = |value: u32| value.to_le_bytes().to_vec();
        [number(1), number(1), number(1), one.clone(), number(1), number(0), number(0), one].concat()
    }

    fn secret(member: u8) -> [u8; 32] {
        let mut scalar = [0; 32];
        scalar[0] = member + 1;
        scalar
    }

    /// Elements, tags and proofs of so many members.
    fn batch(members: u8) -> [Vec<u8>; 3] {
        let mut buffers = [vec![], vec![], vec![]];
        let relation = Relation::of(&header()).unwrap();
        for member in 0..members {
            let element = multiply_base(&secret(member)).unwrap();
            let proof = prove::<&[u8]>(&relation, &element, &[member], &secret(member), &[]).unwrap();
            buffers[0].extend(element);
            buffers[1].push(member);
            buffers[2].extend(proof);
        }
        buffers
    }

    fn verdicts([elements, tags, proofs]: &[Vec<u8>; 3], count: usize) -> (i32, Vec<u8>) {
        let header = header();
        let mut found = vec![7; count];
        // SAFETY: every piece is alive and as long as it is said to be.
        let answer = unsafe {
            verify_batch(
                header.as_ptr(),
                header.len(),
                std::ptr::null(),
                0,
                elements.as_ptr(),
                elements.len(),
                tags.as_ptr(),
                tags.len(),
                proofs.as_ptr(),
                proofs.len(),
                count,
                found.as_mut_ptr(),
            )
        };
        (answer, found)
    }

    #[test]
    fn a_verdict_for_every_member() {
        let mut buffers = batch(5);
        assert_eq!(verdicts(&buffers, 5), (0, vec![0; 5]));
        buffers[2][3 * 64 + 40] ^= 1;
        assert_eq!(verdicts(&buffers, 5), (0, vec![0, 0, 0, 1, 0]));
    }

    #[test]
    fn arguments_that_do_not_fit_leave_no_verdict() {
        assert_eq!(verdicts(&batch(5), 4), (MALFORMED, vec![7; 4]));
    }

    #[test]
    fn sums_of_columns_and_no_identity_among_the_elements() {
        let one_to_four: Vec<u8> = (0..4).flat_map(|n| multiply_base(&secret(n)).unwrap()).collect();
        let expected: Vec<u8> = [3, 5].iter().flat_map(|n| multiply_base(&secret(*n)).unwrap()).collect();
        let mut sums = vec![7; 64];
        // SAFETY: as above.
        assert_eq!(unsafe { sum_columns(one_to_four.as_ptr(), 128, 2, sums.as_mut_ptr()) }, 0);
        assert_eq!(sums, expected);
        let zeros = [0; 64];
        // SAFETY: as above.
        assert_eq!(unsafe { sum_columns(zeros.as_ptr(), 64, 2, sums.as_mut_ptr()) }, MALFORMED);
    }

    #[test]
    fn memory_is_given_and_taken_back() {
        for length in [0, 1, 4096] {
            let place = reserve(length);
            assert!(!place.is_null());
            // SAFETY: it was just reserved.
            unsafe { release(place, length) };
        }
        assert!(reserve(usize::MAX).is_null());
    }
}
