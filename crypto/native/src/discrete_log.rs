//! Bounded discrete logarithms of public elements: the counts of a tally.
//!
//! Baby-step giant-step (D. Shanks, 1971) with one table shared by all elements. Points are compared by the encodings
//! of their doubles, which cost one inversion a batch where encodings cost one exponentiation each; doubling is a
//! bijection since the order is odd.

use crate::points::{Malformed, Outcome, require_points};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT as G;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use rayon::prelude::*;
use std::collections::HashMap;

/// The table never grows beyond this many entries (some hundreds of megabytes), however large the bound.
const TABLE_LIMIT: u64 = 1 << 22;

/// Points encoded together.
const BATCH: usize = 512;

/// For each element the x in 0..=bound with x·G equal to it, if there is one.
pub fn discrete_logs(points: &[u8], bounds: &[u64]) -> Outcome<Vec<Option<u64>>> {
    let points = require_points("points", points)?;
    if points.len() != bounds.len() {
        return Err(Malformed::new(format!("{} points and {} bounds do not match", points.len(), bounds.len())));
    }
    let Some(largest) = bounds.iter().max() else {
        return Ok(Vec::new());
    };
    // The table of m steps is built once and every element takes up to bound/m: least work where m² is their product.
    let ideal = (*largest as f64 * points.len() as f64).sqrt() as u64;
    let steps = ideal.clamp(1, TABLE_LIMIT).min(largest.saturating_add(1));
    let table = baby_steps(steps);
    Ok(points.par_iter().zip(bounds).map(|(point, bound)| logarithm(point, *bound, &table, steps)).collect())
}

/// Encodings of 2·x·G for x = 0..steps.
fn baby_steps(steps: u64) -> HashMap<CompressedRistretto, u64> {
    let starts: Vec<u64> = (0..steps).step_by(BATCH).collect();
    let batches: Vec<Vec<CompressedRistretto>> = starts
        .par_iter()
        .map(|&start| {
            let size = (steps - start).min(BATCH as u64) as usize;
            RistrettoPoint::double_and_compress_batch(&progression(Scalar::from(start) * G, &G, size))
        })
        .collect();
    batches.into_iter().flatten().zip(0..).collect()
}

fn logarithm(point: &RistrettoPoint, bound: u64, table: &HashMap<CompressedRistretto, u64>, steps: u64) -> Option<u64> {
    let giant = -(Scalar::from(steps) * G);
    let last = bound / steps;
    let mut here = *point;
    let mut taken = 0;
    loop {
        let size = (last - taken + 1).min(BATCH as u64) as usize;
        let batch = progression(here, &giant, size);
        for (encoding, step) in RistrettoPoint::double_and_compress_batch(&batch).iter().zip(taken..) {
            if let Some(rest) = table.get(encoding) {
                // The representation is unique below the group order, so a value above the bound ends the search too.
                return step.checked_mul(steps)?.checked_add(*rest).filter(|x| *x <= bound);
            }
        }
        taken += size as u64;
        if taken > last {
            return None;
        }
        here = batch[size - 1] + giant;
    }
}

/// first, first + difference, first + 2·difference, …
fn progression(first: RistrettoPoint, difference: &RistrettoPoint, size: usize) -> Vec<RistrettoPoint> {
    std::iter::successors(Some(first), |point| Some(point + difference)).take(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::encode_all;

    fn logs(exponents: &[Scalar], bounds: &[u64]) -> Vec<Option<u64>> {
        discrete_logs(&encode_all(&exponents.iter().map(|x| x * G).collect::<Vec<_>>()), bounds).unwrap()
    }

    #[test]
    fn the_bound_itself_is_found_and_one_more_is_not() {
        for bound in [0_u64, 1, 2, 3, 511, 512, 513, 1000, 99_999] {
            let exponents = [Scalar::ZERO, Scalar::from(bound), Scalar::from(bound + 1), -Scalar::ONE];
            assert_eq!(logs(&exponents, &[bound; 4]), [Some(0), Some(bound), None, None], "bound {bound}");
        }
    }

    #[test]
    fn each_element_has_its_own_bound() {
        let exponents = [5_u64, 5, 70_000, 70_000].map(Scalar::from);
        assert_eq!(logs(&exponents, &[4, 5, 69_999, 2_000_000]), [None, Some(5), None, Some(70_000)]);
    }

    #[test]
    fn no_element_has_no_logarithm() {
        assert_eq!(discrete_logs(&[], &[]), Ok(vec![]));
        assert!(discrete_logs(&[0; 32], &[]).is_err());
    }
}
