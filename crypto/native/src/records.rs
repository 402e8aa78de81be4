//! Fixed-width records, in bulk: sorted, and those that stand more than once. They are public.

use crate::points::{Malformed, Outcome};
use rayon::prelude::*;

fn records(buffer: &[u8], width: usize) -> Outcome<Vec<&[u8]>> {
    if width == 0 || !buffer.len().is_multiple_of(width) {
        return Err(Malformed::new(format!(
            "records: {} bytes are not a whole number of records of {width}",
            buffer.len()
        )));
    }
    Ok(buffer.chunks(width).collect())
}

/// The same records in ascending order of their bytes.
pub fn sort_records(buffer: &[u8], width: usize) -> Outcome<Vec<u8>> {
    let mut sorted = records(buffer, width)?;
    sorted.par_sort_unstable();
    Ok(sorted.concat())
}

/// Every record that stands at least twice, once, in ascending order.
pub fn repeated_records(buffer: &[u8], width: usize) -> Outcome<Vec<u8>> {
    let mut sorted = records(buffer, width)?;
    sorted.par_sort_unstable();
    Ok(sorted
        .chunk_by(|a, b| a == b)
        .filter(|equal| equal.len() > 1)
        .map(|equal| equal[0])
        .collect::<Vec<_>>()
        .concat())
}

/// A stretch of every record of `width` bytes: `length` of them from `first` on.
pub fn cut_records(buffer: &[u8], width: usize, first: usize, length: usize) -> Outcome<Vec<u8>> {
    let whole = records(buffer, width)?;
    if first.checked_add(length).is_none_or(|end| end > width) {
        return Err(Malformed::new(format!("records: bytes {first} to {first} + {length} of {width}")));
    }
    Ok(whole.iter().flat_map(|record| &record[first..first + length]).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_ordered_by_their_bytes() {
        assert_eq!(sort_records(b"bbabaaab", 2), Ok(b"aaababbb".to_vec()));
        assert_eq!(sort_records(b"", 3), Ok(vec![]));
        assert!(sort_records(b"abc", 2).is_err() && sort_records(b"abc", 0).is_err());
    }

    #[test]
    fn what_stands_twice_is_named_once() {
        assert_eq!(repeated_records(b"abcdabxyabcd", 2), Ok(b"abcd".to_vec()));
        assert_eq!(repeated_records(b"abcd", 2), Ok(vec![]));
    }

    #[test]
    fn a_stretch_is_cut_out_of_every_record() {
        assert_eq!(cut_records(b"abcdef", 3, 1, 2), Ok(b"bcef".to_vec()));
        assert!(cut_records(b"abcdef", 3, 2, 2).is_err());
    }
}
