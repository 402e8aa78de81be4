//! Hashes of an RFC 6962 tree, in bulk: leaves of a C2SP tlog-tiles entry bundle and the Merkle tree head over leaf
//! hashes.

use crate::operations::HASHED;
use crate::points::{Malformed, Outcome, count};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

type Hash = [u8; 32];

/// Hashes each task computes at least; a hash takes a fraction of a microsecond.
const PER_TASK: usize = 1024;

fn hash_leaf(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

fn hash_node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The entries of a bundle: one after the other, each behind its big-endian two-byte length.
pub fn entries(bundle: &[u8]) -> Outcome<Vec<&[u8]>> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let entry = rest.split_first_chunk::<2>().and_then(|(length, after)| {
            let length = usize::from(u16::from_be_bytes(*length));
            rest = after.get(length..)?;
            after.get(..length)
        });
        entries.push(
            entry
                .ok_or_else(|| Malformed::new(format!("bundle: the entry at index {} is cut short", entries.len())))?,
        );
    }
    Ok(entries)
}

/// The leaf hashes of a bundle.
pub fn hash_leaves(bundle: &[u8]) -> Outcome<Vec<u8>> {
    let entries = entries(bundle)?;
    HASHED.add(bundle.len());
    let hashes: Vec<Hash> = entries.par_iter().with_min_len(64).map(|entry| hash_leaf(entry)).collect();
    Ok(hashes.into_flattened())
}

/// MTH of RFC 6962 section 2.1 over hashes of leaves, or of full subtrees of equal size.
///
/// Pairing each level from the left and letting an odd last hash rise unchanged gives the RFC's split at the largest
/// power of two.
pub fn merkle_root(hashes: &[u8]) -> Outcome<Hash> {
    count("hashes", hashes, 32)?;
    let mut level: Vec<Hash> = hashes.as_chunks().0.to_vec();
    HASHED.add(2 * hashes.len());
    if level.is_empty() {
        return Ok(Sha256::digest([]).into());
    }
    while level.len() > 1 {
        level = level
            .par_chunks(2)
            .with_min_len(PER_TASK)
            .map(|pair| match pair {
                [left, right] => hash_node(left, right),
                [last, ..] => *last,
                [] => unreachable!("chunks are not empty"),
            })
            .collect();
    }
    Ok(level[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recursive(hashes: &[Hash]) -> Hash {
        match hashes {
            [] => Sha256::digest([]).into(),
            [only] => *only,
            _ => {
                let (left, right) = hashes.split_at(hashes.len().next_power_of_two() / 2);
                hash_node(&recursive(left), &recursive(right))
            }
        }
    }

    #[test]
    fn the_root_is_the_recursion_of_the_rfc() {
        let leaves: Vec<Hash> = (0..70_u8).map(|n| hash_leaf(&[n])).collect();
        for n in 0..leaves.len() {
            assert_eq!(merkle_root(&leaves[..n].concat()), Ok(recursive(&leaves[..n])), "{n} leaves");
        }
    }

    #[test]
    fn a_truncated_bundle_is_refused_and_the_entry_named() {
        let bundle = [&[0, 1][..], b"a", &[0, 0], &[0, 2], b"bc"].concat();
        let expected = [hash_leaf(b"a"), hash_leaf(b""), hash_leaf(b"bc")].concat();
        assert_eq!(hash_leaves(&bundle), Ok(expected));
        for cut in [1, 2, 4, 6, 7] {
            assert!(hash_leaves(&bundle[..cut]).is_err(), "{cut} bytes");
        }
        assert!(hash_leaves(&bundle[..7]).unwrap_err().0.contains("index 2"));
    }
}
