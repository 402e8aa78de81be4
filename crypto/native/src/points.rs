//! ristretto255 elements and scalars as bytes, and public arithmetic on many of them (RFC 9496).
//!
//! A buffer is a concatenation of 32-byte encodings. Whatever decodes here is canonical; the identity is let through
//! only where a function's name says so. Everything in this file runs in variable time except `multiply`, and is for
//! public values.

use crate::operations::{ADDITIONS, DECOMPRESSIONS, TERMS};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, IsIdentity, VartimeMultiscalarMul};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Bytes of one encoded element or scalar.
pub const LENGTH: usize = 32;

/// Below this many elements a buffer is decoded by one core: a decompression takes microseconds, waking a thread as
/// much.
const PER_TASK: usize = 64;

/// A multi-scalar multiplication is cut into pieces of this many terms, where Pippenger's buckets cost a few per cent.
const TERMS_PER_TASK: usize = 4096;

/// What is wrong with a caller's buffer; becomes a ValueError.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl Malformed {
    pub fn new(reason: impl Into<String>) -> Self {
        Malformed(reason.into())
    }
}

pub type Outcome<T> = Result<T, Malformed>;

/// The element of a canonical encoding, the identity included.
pub fn decode_or_identity(encoding: &[u8]) -> Option<RistrettoPoint> {
    CompressedRistretto::from_slice(encoding).ok()?.decompress()
}

/// The element of a canonical encoding; `None` for the identity, which no message may hold.
pub fn decode(encoding: &[u8]) -> Option<RistrettoPoint> {
    decode_or_identity(encoding).filter(|point| !point.is_identity())
}

/// The scalar of a canonical encoding, which zero is.
pub fn decode_scalar(encoding: &[u8]) -> Option<Scalar> {
    Scalar::from_canonical_bytes(encoding.try_into().ok()?).into()
}

/// Every element of a buffer, none of them the identity; `None` as soon as one is not acceptable.
pub fn decode_all(encodings: &[u8]) -> Option<Vec<RistrettoPoint>> {
    DECOMPRESSIONS.add(encodings.len() / LENGTH);
    encodings.par_chunks(LENGTH).with_min_len(PER_TASK).map(decode).collect()
}

/// Every scalar of a buffer.
pub fn decode_all_scalars(encodings: &[u8]) -> Option<Vec<Scalar>> {
    encodings.chunks(LENGTH).map(decode_scalar).collect()
}

pub fn encode_all(points: &[RistrettoPoint]) -> Vec<u8> {
    let encodings: Vec<[u8; LENGTH]> =
        points.par_iter().with_min_len(PER_TASK).map(|point| point.compress().to_bytes()).collect();
    encodings.into_flattened()
}

/// The encodings of 2·point: one inversion a batch, where each encoding costs an exponentiation. Whoever can halve her
/// scalars first has the encodings of her products for a fraction of the price.
pub fn encode_doubled(points: &[RistrettoPoint]) -> Vec<u8> {
    let batches: Vec<Vec<CompressedRistretto>> =
        points.par_chunks(PER_TASK).map(RistrettoPoint::double_and_compress_batch).collect();
    batches.iter().flatten().flat_map(|encoding| encoding.to_bytes()).collect()
}

/// The number of records in a buffer, or why there is none.
pub fn count(name: &str, buffer: &[u8], record: usize) -> Outcome<usize> {
    if buffer.len().is_multiple_of(record) {
        Ok(buffer.len() / record)
    } else {
        Err(Malformed::new(format!("{name}: {} bytes are not a multiple of {record}", buffer.len())))
    }
}

/// The elements of an argument, the identity allowed.
pub fn require_points(name: &str, buffer: &[u8]) -> Outcome<Vec<RistrettoPoint>> {
    DECOMPRESSIONS.add(count(name, buffer, LENGTH)?);
    let decoded: Vec<Option<RistrettoPoint>> =
        buffer.par_chunks(LENGTH).with_min_len(PER_TASK).map(decode_or_identity).collect();
    if let Some(index) = decoded.iter().position(Option::is_none) {
        return Err(Malformed::new(format!("{name}: the encoding at index {index} is not canonical")));
    }
    Ok(decoded.into_iter().flatten().collect())
}

/// The scalars of an argument, wiped when dropped because some callers' are secret.
pub fn require_scalars(name: &str, buffer: &[u8]) -> Outcome<Zeroizing<Vec<Scalar>>> {
    let mut scalars = Zeroizing::new(Vec::with_capacity(count(name, buffer, LENGTH)?));
    for (index, encoding) in buffer.chunks(LENGTH).enumerate() {
        scalars.push(
            decode_scalar(encoding)
                .ok_or_else(|| Malformed::new(format!("{name}: the scalar at index {index} is not canonical")))?,
        );
    }
    Ok(scalars)
}

fn require_equal(left: (&str, usize), right: (&str, usize)) -> Outcome<()> {
    if left.1 == right.1 {
        Ok(())
    } else {
        Err(Malformed::new(format!("{} {} and {} {} do not match", left.1, left.0, right.1, right.0)))
    }
}

/// Indices of encodings that are not canonical or are the identity.
pub fn invalid_points(buffer: &[u8]) -> Outcome<Vec<usize>> {
    DECOMPRESSIONS.add(count("points", buffer, LENGTH)?);
    Ok(buffer
        .par_chunks(LENGTH)
        .with_min_len(PER_TASK)
        .enumerate()
        .filter(|(_, encoding)| decode(encoding).is_none())
        .map(|(index, _)| index)
        .collect())
}

/// Indices of scalars that are not below the group order.
pub fn invalid_scalars(buffer: &[u8]) -> Outcome<Vec<usize>> {
    count("scalars", buffer, LENGTH)?;
    let refused = |(index, encoding): (usize, &[u8])| decode_scalar(encoding).is_none().then_some(index);
    Ok(buffer.chunks(LENGTH).enumerate().filter_map(refused).collect())
}

/// Element-wise `combine(a, b)`, of two buffers of equal length.
pub fn element_wise(
    a: &[u8],
    b: &[u8],
    combine: impl Fn(&RistrettoPoint, &RistrettoPoint) -> RistrettoPoint + Sync,
) -> Outcome<Vec<u8>> {
    let (left, right) = (require_points("a", a)?, require_points("b", b)?);
    require_equal(("points in a", left.len()), ("points in b", right.len()))?;
    let results: Vec<RistrettoPoint> = left.iter().zip(&right).map(|(p, q)| combine(p, q)).collect();
    Ok(encode_all(&results))
}

/// Element-wise scalar·element in constant time.
pub fn multiply(scalars: &[u8], points: &[u8]) -> Outcome<Vec<u8>> {
    let scalars = require_scalars("scalars", scalars)?;
    let points = require_points("points", points)?;
    require_equal(("scalars", scalars.len()), ("points", points.len()))?;
    let products: Vec<RistrettoPoint> =
        scalars.par_iter().zip(&points).with_min_len(8).map(|(scalar, point)| scalar.div_by_2() * point).collect();
    Ok(encode_doubled(&products))
}

/// Σ scalar·element in variable time: Straus for few terms, Pippenger for many, pieces of a long sum on all cores.
pub fn vartime_sum(scalars: &[Scalar], points: &[&RistrettoPoint]) -> RistrettoPoint {
    TERMS.add(scalars.len());
    if scalars.len() <= 2 * TERMS_PER_TASK {
        return RistrettoPoint::vartime_multiscalar_mul(scalars, points.iter().copied());
    }
    scalars
        .par_chunks(TERMS_PER_TASK)
        .zip(points.par_chunks(TERMS_PER_TASK))
        .map(|(some, of_them)| RistrettoPoint::vartime_multiscalar_mul(some, of_them.iter().copied()))
        .sum()
}

/// The encoding of Σ scalars[i]·points[i].
pub fn multi_scalar_multiply(scalars: &[u8], points: &[u8]) -> Outcome<Vec<u8>> {
    let scalars = require_scalars("scalars", scalars)?;
    let points = require_points("points", points)?;
    require_equal(("scalars", scalars.len()), ("points", points.len()))?;
    Ok(vartime_sum(&scalars, &points.iter().collect::<Vec<_>>()).compress().to_bytes().to_vec())
}

/// The sum of each column of a row-major matrix of elements; all zero bytes where there is no row.
pub fn sum_columns(points: &[u8], columns: usize) -> Outcome<Vec<u8>> {
    if columns == 0 && points.is_empty() {
        return Ok(Vec::new());
    }
    let record = columns.checked_mul(LENGTH).filter(|record| *record > 0);
    let record = record.ok_or_else(|| Malformed::new(format!("columns: {columns} are none or too many")))?;
    let rows = count("points", points, record)?;
    DECOMPRESSIONS.add(rows * columns);
    ADDITIONS.add(rows * columns);
    if rows == 0 {
        return Ok(vec![0; record]);
    }
    // Few rows a task, so that every core has work, but enough to make the partial sums cheap.
    let per_task = rows.div_ceil(4 * rayon::current_num_threads()).max(8) * record;
    let partial = points
        .par_chunks(per_task)
        .enumerate()
        .map(|(task, rows)| sum_rows(rows, columns).map_err(|at| task * (per_task / LENGTH) + at))
        .collect::<Vec<_>>();
    let mut sums = vec![RistrettoPoint::identity(); columns];
    for result in partial {
        let addends =
            result.map_err(|at| Malformed::new(format!("points: the encoding at index {at} is not canonical")))?;
        sums.iter_mut().zip(&addends).for_each(|(sum, addend)| *sum += addend);
    }
    Ok(encode_all(&sums))
}

/// The column sums of a few rows, or the index of the first encoding that is not canonical.
fn sum_rows(rows: &[u8], columns: usize) -> Result<Vec<RistrettoPoint>, usize> {
    let mut sums = vec![RistrettoPoint::identity(); columns];
    for (index, encoding) in rows.chunks(LENGTH).enumerate() {
        sums[index % columns] += decode_or_identity(encoding).ok_or(index)?;
    }
    Ok(sums)
}

/// 64-byte little-endian integers modulo the group order.
pub fn reduce_wide(wide: &[u8]) -> Outcome<Vec<u8>> {
    count("wide", wide, 64)?;
    let (integers, _) = wide.as_chunks::<64>();
    Ok(integers.iter().flat_map(|integer| Scalar::from_bytes_mod_order_wide(integer).to_bytes()).collect())
}

/// Whether the bytes are a canonical encoding of a prime-order, non-identity point of edwards25519 (RFC 8032 section
/// 5.1.3, strict).
pub fn is_valid_ed25519_key(key: &[u8]) -> bool {
    let Some(point) = CompressedEdwardsY::from_slice(key).ok().and_then(|encoding| encoding.decompress()) else {
        return false;
    };
    point.compress().as_bytes() == key && point.is_torsion_free() && !point.is_identity()
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT as G;

    fn multiples(range: std::ops::Range<u64>) -> Vec<u8> {
        encode_all(&range.map(|n| Scalar::from(n) * G).collect::<Vec<_>>())
    }

    #[test]
    fn the_identity_decodes_only_where_it_is_allowed() {
        assert!(decode(&[0; 32]).is_none());
        assert!(decode_or_identity(&[0; 32]).is_some_and(|point| point.is_identity()));
        assert_eq!(invalid_points(&multiples(0..3)), Ok(vec![0]));
    }

    #[test]
    fn the_group_order_is_not_a_scalar() {
        let below = (-Scalar::ONE).to_bytes();
        let mut order = below;
        order[0] += 1;
        assert_eq!(invalid_scalars(&[below, order].concat()), Ok(vec![1]));
    }

    #[test]
    fn a_long_sum_equals_the_sum_of_its_terms() {
        let n = 2 * TERMS_PER_TASK as u64 + 5;
        let scalars: Vec<u8> = (0..n).flat_map(|i| Scalar::from(i).to_bytes()).collect();
        let expected = (0..n).map(|i| Scalar::from(i * i)).sum::<Scalar>() * G;
        assert_eq!(multi_scalar_multiply(&scalars, &multiples(0..n)), Ok(expected.compress().to_bytes().to_vec()));
    }

    #[test]
    fn columns_are_summed_and_the_first_bad_encoding_is_named() {
        let mut matrix = multiples(0..300);
        let expected: Vec<RistrettoPoint> =
            (0..3).map(|c| (0..100).map(|r| Scalar::from(3 * r + c as u64)).sum::<Scalar>() * G).collect();
        assert_eq!(sum_columns(&matrix, 3), Ok(encode_all(&expected)));
        matrix[32 * 250] ^= 1;
        matrix[32 * 170] ^= 1;
        let refusal = sum_columns(&matrix, 3).unwrap_err();
        assert!(refusal.0.contains("index 170 "), "{refusal:?}");
    }

    #[test]
    fn an_edwards_key_with_torsion_or_another_encoding_is_refused() {
        use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
        assert!(is_valid_ed25519_key(ED25519_BASEPOINT_POINT.compress().as_bytes()));
        for torsion in EIGHT_TORSION {
            assert!(!is_valid_ed25519_key(torsion.compress().as_bytes()));
        }
        assert!(!is_valid_ed25519_key((ED25519_BASEPOINT_POINT + EIGHT_TORSION[1]).compress().as_bytes()));
        assert!(!is_valid_ed25519_key(&[0; 31]));
    }
}
