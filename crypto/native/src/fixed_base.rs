//! Constant-time multiplication of one base by many secret scalars.
//!
//! The generator has its table compiled in. Another base that is multiplied often, such as an election's joint key,
//! gets a table of the same kind (30 KiB, about the price of twenty multiplications), and the last few are kept between
//! calls. Which base is multiplied how often is public; the scalars are not.

use crate::points::{LENGTH, Malformed, Outcome, decode_or_identity, encode_doubled, require_scalars};
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use rayon::prelude::*;
use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

const TABLES_KEPT: usize = 8;

/// A base multiplied at least this often at once is worth a table even if it never comes again.
const USES_WORTH_A_TABLE: usize = 20;

/// A base multiplied at least this often by one proof is taken for one that comes again with the next.
const USES_SEEN_AGAIN: usize = 3;

type Tables = VecDeque<(CompressedRistretto, Arc<RistrettoBasepointTable>)>;
static TABLES: LazyLock<Mutex<Tables>> = LazyLock::new(|| Mutex::new(VecDeque::new()));

/// A base made ready for multiplication by secrets.
pub enum FixedBase {
    Generator,
    Table(Arc<RistrettoBasepointTable>),
    Plain(RistrettoPoint),
}

impl FixedBase {
    /// A base of a relation that occurs in `uses` of its equations.
    pub fn of_relation(encoding: CompressedRistretto, point: RistrettoPoint, uses: usize) -> Self {
        Self::with_table_if(encoding, point, uses >= USES_SEEN_AGAIN)
    }

    fn with_table_if(encoding: CompressedRistretto, point: RistrettoPoint, worth_it: bool) -> Self {
        if point == RISTRETTO_BASEPOINT_POINT {
            return FixedBase::Generator;
        }
        if let Some(table) = kept_table(&encoding) {
            return FixedBase::Table(table);
        }
        if !worth_it {
            return FixedBase::Plain(point);
        }
        let table = Arc::new(RistrettoBasepointTable::create(&point));
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        tables.push_front((encoding, Arc::clone(&table)));
        tables.truncate(TABLES_KEPT);
        FixedBase::Table(table)
    }

    /// scalar·base, in constant time.
    pub fn multiply(&self, scalar: &Scalar) -> RistrettoPoint {
        match self {
            FixedBase::Generator => RistrettoPoint::mul_base(scalar),
            FixedBase::Table(table) => scalar * table.as_ref(),
            FixedBase::Plain(point) => scalar * point,
        }
    }
}

/// The table of a base met lately, which moves to the front.
fn kept_table(encoding: &CompressedRistretto) -> Option<Arc<RistrettoBasepointTable>> {
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    let position = tables.iter().position(|(base, _)| base == encoding)?;
    let found = tables.remove(position)?;
    let table = Arc::clone(&found.1);
    tables.push_front(found);
    Some(table)
}

/// Element-wise scalar·G.
pub fn multiply_base(scalars: &[u8]) -> Outcome<Vec<u8>> {
    multiply_by(&FixedBase::Generator, scalars)
}

/// Element-wise scalar·base.
pub fn multiply_fixed(base: &[u8], scalars: &[u8]) -> Outcome<Vec<u8>> {
    let (Ok(encoding), Some(point)) = (CompressedRistretto::from_slice(base), decode_or_identity(base)) else {
        return Err(Malformed::new("base: not the canonical 32-byte encoding of an element"));
    };
    let worth_it = scalars.len() / LENGTH >= USES_WORTH_A_TABLE;
    multiply_by(&FixedBase::with_table_if(encoding, point, worth_it), scalars)
}

fn multiply_by(base: &FixedBase, scalars: &[u8]) -> Outcome<Vec<u8>> {
    let scalars = require_scalars("scalars", scalars)?;
    let products: Vec<RistrettoPoint> =
        scalars.par_iter().with_min_len(16).map(|scalar| base.multiply(&scalar.div_by_2())).collect();
    Ok(encode_doubled(&products))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::encode_all;

    #[test]
    fn a_base_gives_the_same_products_with_and_without_its_table() {
        for k in 2..14_u64 {
            let base = Scalar::from(k) * RISTRETTO_BASEPOINT_POINT;
            let few: Vec<u8> = (0..3_u64).flat_map(|n| Scalar::from(n).to_bytes()).collect();
            let many: Vec<u8> = (0..USES_WORTH_A_TABLE as u64).flat_map(|n| (-Scalar::from(n)).to_bytes()).collect();
            for scalars in [few, many] {
                let expected: Vec<RistrettoPoint> =
                    require_scalars("scalars", &scalars).unwrap().iter().map(|scalar| scalar * base).collect();
                let encoding = base.compress();
                assert_eq!(multiply_fixed(encoding.as_bytes(), &scalars), Ok(encode_all(&expected)));
            }
        }
        assert!(TABLES.lock().unwrap().len() <= TABLES_KEPT);
    }
}
