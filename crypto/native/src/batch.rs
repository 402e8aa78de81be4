//! Verification of many proofs of one relation from contiguous buffers, over all cores.
//!
//! The batch is cut into chunks, each of which one core reads and checks with one multi-scalar multiplication. A chunk
//! that fails is halved until its culprits stand alone; each half is combined with fresh weights, and what was decoded
//! is not decoded again.

use crate::operations::ADDITIONS;
use crate::points::{LENGTH, Malformed, Outcome, count};
use crate::relation::Relation;
use crate::verify::{Statement, Template, all_hold};
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::traits::Identity;
use rayon::prelude::*;

/// Points of a chunk: enough that the buckets of Pippenger's method cost little, few enough to stay near the processor.
const POINTS_PER_CHUNK: usize = 4096;

/// The contiguous buffers of a batch of `count` members.
pub struct Batch<'a> {
    /// Encodings of the elements 1 to s, common to all.
    pub shared: &'a [u8],
    /// The other elements, member by member.
    pub elements: &'a [u8],
    /// Tags of equal length.
    pub tags: &'a [u8],
    pub proofs: &'a [u8],
    pub count: usize,
}

/// What a batch comes to.
pub struct Verified {
    /// The ascending indices of the members that `verify` would reject.
    pub rejected: Vec<usize>,
    /// For each of a member's own elements the sum over the members that are not rejected. They were decoded for their
    /// proofs, so that a sum costs no more than additions.
    pub sums: Vec<RistrettoPoint>,
}

/// Verifies every member.
pub fn verify_batch(relation: &Relation, batch: &Batch<'_>) -> Outcome<Verified> {
    count("shared", batch.shared, LENGTH)?;
    let own = relation.elements_length().checked_sub(batch.shared.len()).ok_or_else(|| {
        Malformed::new(format!("shared: {} bytes are more elements than the relation has", batch.shared.len()))
    })?;
    let tag = batch.tags.len().checked_div(batch.count).unwrap_or(0);
    let proof = relation.proof_length();
    for (name, buffer, record) in
        [("elements", batch.elements, own), ("tags", batch.tags, tag), ("proofs", batch.proofs, proof)]
    {
        if record.checked_mul(batch.count) != Some(buffer.len()) {
            let (bytes, count) = (buffer.len(), batch.count);
            return Err(Malformed::new(format!("{name}: {bytes} bytes are not {count} records of {record}")));
        }
    }
    let nothing = || vec![RistrettoPoint::identity(); own / LENGTH];
    let Some(template) = Template::new(relation, batch.shared) else {
        return Ok(Verified { rejected: (0..batch.count).collect(), sums: nothing() });
    };
    let points = own / LENGTH + relation.equations.len();
    let largest = (POINTS_PER_CHUNK / points).max(1);
    // A batch that would not keep every core busy is cut finer: reading it, which no cut makes slower, is most of the
    // work.
    let size = batch.count.div_ceil(rayon::current_num_threads()).clamp(1, largest);
    let read = |index: usize| {
        let elements = &batch.elements[index * own..][..own];
        Statement::read(&template, elements, &batch.tags[index * tag..][..tag], &batch.proofs[index * proof..][..proof])
    };
    let chunks: Vec<Verified> = (0..batch.count.div_ceil(size))
        .into_par_iter()
        .map(|chunk| {
            let mut rejected = Vec::new();
            let mut members = Vec::with_capacity(size);
            for index in chunk * size..batch.count.min((chunk + 1) * size) {
                match read(index) {
                    Some(statement) => members.push((index, statement)),
                    None => rejected.push(index),
                }
            }
            let found = culprits(&template, &members);
            let mut sums = nothing();
            for (_, statement) in members.iter().filter(|(index, _)| found.binary_search(index).is_err()) {
                sums.iter_mut().zip(&statement.own).for_each(|(sum, element)| *sum += element);
            }
            ADDITIONS.add(members.len() * sums.len());
            rejected.extend(found);
            rejected.sort_unstable();
            Verified { rejected, sums }
        })
        .collect();
    let mut whole = Verified { rejected: Vec::new(), sums: nothing() };
    for chunk in chunks {
        whole.rejected.extend(chunk.rejected);
        whole.sums.iter_mut().zip(&chunk.sums).for_each(|(sum, addend)| *sum += addend);
    }
    Ok(whole)
}

/// The ascending indices of the members whose proofs do not hold.
fn culprits(template: &Template<'_>, members: &[(usize, Statement)]) -> Vec<usize> {
    let statements: Vec<&Statement> = members.iter().map(|(_, statement)| statement).collect();
    match members {
        _ if all_hold(template, &statements) => Vec::new(),
        [(index, _)] => vec![*index],
        _ => {
            let (left, right) = members.split_at(members.len() / 2);
            let (mut found, more) = rayon::join(|| culprits(template, left), || culprits(template, right));
            found.extend(more);
            found
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::encode_all;
    use crate::prove::prove;
    use crate::relation::writing::header;
    use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT as G;
    use curve25519_dalek::scalar::Scalar;

    const MEMBERS: usize = 60;

    /// Y_i = x_i*H for a shared H, with the index as the tag: elements, tags and proofs of many members.
    fn batch() -> (Vec<u8>, [Vec<u8>; 4]) {
        let header = header(&[(vec![(2, Scalar::ONE)], vec![(0, 1, Scalar::ONE)])]);
        let relation = Relation::of(&header).unwrap();
        let base = Scalar::from(7_u64) * G;
        let shared = encode_all(&[base]);
        let mut buffers = [shared.clone(), vec![], vec![], vec![]];
        for member in 0..MEMBERS as u8 {
            let secret = Scalar::from(u64::from(member) + 1);
            let own = encode_all(&[secret * base]);
            let elements = [&shared[..], &own].concat();
            let proof = prove::<&[u8]>(&relation, &elements, &[member], secret.as_bytes(), &[]).unwrap();
            buffers[1].extend(own);
            buffers[2].push(member);
            buffers[3].extend(proof);
        }
        (header, buffers)
    }

    fn rejected(header: &[u8], [shared, elements, tags, proofs]: &[Vec<u8>; 4]) -> Vec<usize> {
        let relation = Relation::of(header).unwrap();
        verify_batch(&relation, &Batch { shared, elements, tags, proofs, count: MEMBERS }).unwrap().rejected
    }

    #[test]
    fn every_culprit_is_named_and_nobody_else() {
        let (header, honest) = batch();
        assert_eq!(rejected(&header, &honest), Vec::<usize>::new());
        for culprits in [vec![0], vec![MEMBERS - 1], vec![3, 4, 31, 32], (0..MEMBERS).collect()] {
            for buffer in 1..4 {
                let mut tampered = honest.clone();
                let record = tampered[buffer].len() / MEMBERS;
                for culprit in &culprits {
                    tampered[buffer][culprit * record] ^= 0x80;
                }
                assert_eq!(rejected(&header, &tampered), culprits, "buffer {buffer}");
            }
        }
    }

    #[test]
    fn the_accepted_members_are_summed_and_nobody_else() {
        let (header, mut buffers) = batch();
        buffers[3][64 * 7 + 40] ^= 1;
        let [shared, elements, tags, proofs] = &buffers;
        let relation = Relation::of(&header).unwrap();
        let verified = verify_batch(&relation, &Batch { shared, elements, tags, proofs, count: MEMBERS }).unwrap();
        let secrets = (1..=MEMBERS as u64).filter(|secret| *secret != 8).sum::<u64>();
        assert_eq!(verified.rejected, [7]);
        assert_eq!(verified.sums, [Scalar::from(7 * secrets) * G]);
    }

    #[test]
    fn an_unacceptable_shared_element_makes_everybody_a_culprit() {
        let (header, mut tampered) = batch();
        tampered[0] = vec![0; 32];
        assert_eq!(rejected(&header, &tampered), (0..MEMBERS).collect::<Vec<_>>());
    }

    #[test]
    fn two_errors_that_cancel_without_weights_are_both_found() {
        let (header, mut tampered) = batch();
        for (member, error) in [(10, Scalar::ONE), (11, -Scalar::ONE)] {
            let response = &mut tampered[3][64 * member + 32..][..32];
            let value = Scalar::from_canonical_bytes(response.try_into().unwrap()).unwrap() + error;
            response.copy_from_slice(value.as_bytes());
        }
        assert_eq!(rejected(&header, &tampered), [10, 11]);
    }
}
