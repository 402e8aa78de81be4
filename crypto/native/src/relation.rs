//! Linear relations compiled for evaluation (draft-irtf-cfrg-sigma-protocols-03, "Linear relations").
//!
//! A header is `SerializeLinearRelation` without the elements. It is parsed once and kept. Checks 1 to 7 of the draft's
//! instance validation depend on the header alone and are settled here; check 8 is made where elements are decoded. Of
//! checks 9 and 10 the part that depends on the header alone is settled here as well: a row with one non-zero
//! coefficient on an element that is not the identity is never the identity in a group of prime order. What remains are
//! the rows that have to be computed for every instance.

use crate::points::{LENGTH, Malformed, Outcome, decode_scalar, vartime_sum};
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, IsIdentity};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Equations and terms of a header together.
const TERM_LIMIT: usize = 1 << 20;

/// Headers kept compiled, and the largest that is kept.
const HEADERS_KEPT: usize = 64;
const LARGEST_KEPT: usize = 1 << 20;

/// A coefficient with its two cheap cases set apart; coefficients are public.
#[derive(Clone, Copy)]
pub enum Coefficient {
    One,
    Other(Scalar),
}

impl Coefficient {
    fn new(value: Scalar) -> Self {
        if value == Scalar::ONE { Coefficient::One } else { Coefficient::Other(value) }
    }

    pub fn times(&self, factor: &Scalar) -> Scalar {
        match self {
            Coefficient::One => *factor,
            Coefficient::Other(value) => value * factor,
        }
    }

    fn value(&self) -> Scalar {
        self.times(&Scalar::ONE)
    }
}

/// Σ coefficient·element = Σ coefficient·scalar·element.
pub struct Equation {
    /// (element index, coefficient)
    pub image: Vec<(usize, Coefficient)>,
    /// (scalar index, element index, coefficient)
    pub terms: Vec<(usize, usize, Coefficient)>,
}

pub struct Relation {
    pub header: Vec<u8>,
    pub equations: Vec<Equation>,
    /// Elements with the generator, which has index 0.
    pub element_count: usize,
    pub scalar_count: usize,
    /// An image or a column vanishes whatever the elements are, so that no instance is valid.
    hollow: bool,
    /// Images that are not the identity only if these sums are not.
    images: Vec<Combination>,
    /// Columns of which at least one sum must not be the identity.
    columns: Vec<Vec<Combination>>,
}

impl Relation {
    /// The compiled form of a header, from the cache if it was met before.
    pub fn of(header: &[u8]) -> Outcome<Arc<Relation>> {
        static KEPT: LazyLock<Mutex<HashMap<Vec<u8>, Arc<Relation>>>> = LazyLock::new(Default::default);
        let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(relation) = kept().get(header) {
            return Ok(Arc::clone(relation));
        }
        let relation = Arc::new(Relation::parse(header)?);
        if header.len() <= LARGEST_KEPT {
            let mut cache = kept();
            if cache.len() >= HEADERS_KEPT {
                cache.clear();
            }
            cache.insert(header.to_vec(), Arc::clone(&relation));
        }
        Ok(relation)
    }

    fn parse(header: &[u8]) -> Outcome<Relation> {
        let equations = Reader { rest: header, length: header.len(), terms: 0 }.equations()?;
        let of_images = equations.iter().flat_map(|equation| equation.image.iter().map(|(element, _)| *element));
        let of_terms = equations.iter().flat_map(|equation| equation.terms.iter().map(|(_, element, _)| *element));
        let element_count = dense(of_images.chain(of_terms).chain([0]), "element")?;
        let of_scalars = equations.iter().flat_map(|equation| equation.terms.iter().map(|(scalar, _, _)| *scalar));
        let scalar_count = dense(of_scalars, "scalar")?;

        let (images, hollow_image) = images_to_compute(&equations);
        let (columns, hollow_column) = columns_to_compute(&equations);
        let hollow = hollow_image || hollow_column;
        Ok(Relation { header: header.to_vec(), equations, element_count, scalar_count, hollow, images, columns })
    }

    /// Bytes of the elements 1, 2, … of an instance.
    pub fn elements_length(&self) -> usize {
        LENGTH * (self.element_count - 1)
    }

    /// Bytes of the commitment, with which a proof begins.
    pub fn commitment_length(&self) -> usize {
        LENGTH * self.equations.len()
    }

    pub fn proof_length(&self) -> usize {
        self.commitment_length() + LENGTH * self.scalar_count
    }

    /// Checks 9 and 10 of instance validation, for elements none of which is the identity.
    pub fn accepts_elements(&self, elements: &Elements<'_>) -> bool {
        !self.hollow
            && self.images.iter().all(|image| !image.is_identity(elements))
            && self.columns.iter().all(|column| column.iter().any(|entry| !entry.is_identity(elements)))
    }
}

/// The elements of an instance: those that many instances have in common, the generator first, then its own.
pub struct Elements<'a> {
    pub shared: &'a [RistrettoPoint],
    pub own: &'a [RistrettoPoint],
}

impl Elements<'_> {
    pub fn get(&self, index: usize) -> &RistrettoPoint {
        self.shared.get(index).unwrap_or_else(|| &self.own[index - self.shared.len()])
    }
}

/// A sum of at least two non-zero multiples of different elements.
enum Combination {
    /// Every coefficient has at most 32 bits and a sign, as weights and limits of ballots do.
    Small(Vec<(usize, i64)>),
    Any(Vec<(usize, Scalar)>),
}

impl Combination {
    fn new(terms: Vec<(usize, Scalar)>) -> Self {
        let small = terms.iter().map(|(element, coefficient)| Some((*element, small_integer(coefficient)?)));
        match small.collect() {
            Some(terms) => Combination::Small(terms),
            None => Combination::Any(terms),
        }
    }

    fn is_identity(&self, elements: &Elements<'_>) -> bool {
        match self {
            Combination::Small(terms) => small_sum(terms, elements).is_identity(),
            Combination::Any(terms) => {
                let scalars: Vec<Scalar> = terms.iter().map(|(_, coefficient)| *coefficient).collect();
                let points: Vec<&RistrettoPoint> = terms.iter().map(|(element, _)| elements.get(*element)).collect();
                vartime_sum(&scalars, &points).is_identity()
            }
        }
    }
}

/// The coefficient as an integer of 32 bits and a sign, if it is one.
fn small_integer(coefficient: &Scalar) -> Option<i64> {
    let magnitude = |scalar: &Scalar| {
        let (low, high) = scalar.as_bytes().split_first_chunk::<4>()?;
        high.iter().all(|byte| *byte == 0).then(|| i64::from(u32::from_le_bytes(*low)))
    };
    magnitude(coefficient).or_else(|| magnitude(&-coefficient).map(|value| -value))
}

/// Σ integer·element by doubling and adding, all terms at once: a handful of additions where coefficients are small.
fn small_sum(terms: &[(usize, i64)], elements: &Elements<'_>) -> RistrettoPoint {
    let bits = terms.iter().map(|(_, integer)| 64 - integer.unsigned_abs().leading_zeros()).max().unwrap_or(0);
    let mut sum = RistrettoPoint::identity();
    for bit in (0..bits).rev() {
        sum += sum;
        for (element, integer) in terms.iter().filter(|(_, integer)| integer.unsigned_abs() >> bit & 1 == 1) {
            if *integer > 0 { sum += elements.get(*element) } else { sum -= elements.get(*element) }
        }
    }
    sum
}

/// The sum of the coefficients of each element, without those that vanish.
fn merged(terms: impl Iterator<Item = (usize, Scalar)>) -> Vec<(usize, Scalar)> {
    let mut sums = BTreeMap::<usize, Scalar>::new();
    for (element, coefficient) in terms {
        *sums.entry(element).or_default() += coefficient;
    }
    sums.into_iter().filter(|(_, coefficient)| *coefficient != Scalar::ZERO).collect()
}

/// The images that an instance must compute, and whether one vanishes for every instance.
fn images_to_compute(equations: &[Equation]) -> (Vec<Combination>, bool) {
    let mut to_compute = Vec::new();
    let mut hollow = false;
    for equation in equations {
        let image = merged(equation.image.iter().map(|(element, coefficient)| (*element, coefficient.value())));
        hollow |= image.is_empty();
        if image.len() > 1 {
            to_compute.push(Combination::new(image));
        }
    }
    (to_compute, hollow)
}

/// The columns that an instance must compute, and whether one vanishes for every instance.
fn columns_to_compute(equations: &[Equation]) -> (Vec<Vec<Combination>>, bool) {
    // scalar index -> number of the equation -> its terms with that scalar
    let mut columns = BTreeMap::<usize, BTreeMap<usize, Vec<(usize, Scalar)>>>::new();
    for (number, equation) in equations.iter().enumerate() {
        for (scalar, element, coefficient) in &equation.terms {
            let entry = columns.entry(*scalar).or_default().entry(number).or_default();
            entry.push((*element, coefficient.value()));
        }
    }
    let mut to_compute = Vec::new();
    let mut hollow = false;
    for entries in columns.into_values() {
        let mut entries: Vec<_> = entries.into_values().map(|terms| merged(terms.into_iter())).collect();
        if entries.iter().any(|entry| entry.len() == 1) {
            continue;
        }
        entries.retain(|entry| !entry.is_empty());
        hollow |= entries.is_empty();
        to_compute.push(entries.into_iter().map(Combination::new).collect());
    }
    (to_compute, hollow)
}

/// The number of indices, if all from 0 to the largest occur (checks 4 to 6).
fn dense(indices: impl Iterator<Item = usize>, what: &str) -> Outcome<usize> {
    let used: BTreeSet<usize> = indices.collect();
    match used.iter().enumerate().find(|(expected, index)| expected != *index) {
        None => Ok(used.len()),
        Some((unused, _)) => Err(Malformed::new(format!("header: the {what} of index {unused} is not used"))),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
    terms: usize,
}

impl Reader<'_> {
    fn equations(mut self) -> Outcome<Vec<Equation>> {
        let count = self.count("equations")?;
        let mut equations = Vec::new();
        for _ in 0..count {
            let mut image = Vec::new();
            for _ in 0..self.count("image terms")? {
                image.push((self.number()?, self.coefficient()?));
            }
            let mut terms = Vec::new();
            for _ in 0..self.count("terms")? {
                terms.push((self.number()?, self.number()?, self.coefficient()?));
            }
            equations.push(Equation { image, terms });
        }
        if self.rest.is_empty() {
            Ok(equations)
        } else {
            Err(self.refuse(format!("{} bytes follow the last equation", self.rest.len())))
        }
    }

    fn take<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.refuse("cut short".to_owned()));
        };
        self.rest = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Outcome<usize> {
        Ok(u32::from_le_bytes(self.take()?) as usize)
    }

    fn count(&mut self, of: &str) -> Outcome<usize> {
        let count = self.number()?;
        self.terms = self.terms.saturating_add(count);
        if count == 0 {
            return Err(self.refuse(format!("no {of}")));
        }
        if self.terms > TERM_LIMIT {
            return Err(self.refuse(format!("more than {TERM_LIMIT} equations and terms")));
        }
        Ok(count)
    }

    fn coefficient(&mut self) -> Outcome<Coefficient> {
        let encoding: [u8; LENGTH] = self.take()?;
        let value = decode_scalar(&encoding).ok_or_else(|| self.refuse("a coefficient is not canonical".to_owned()))?;
        Ok(Coefficient::new(value))
    }

    fn refuse(&self, reason: String) -> Malformed {
        Malformed::new(format!("header, byte {}: {reason}", self.length - self.rest.len()))
    }
}

/// Headers for tests, written the way the draft serialises them.
#[cfg(test)]
pub mod writing {
    use super::*;

    pub type Written = (Vec<(u32, Scalar)>, Vec<(u32, u32, Scalar)>);

    pub fn header(equations: &[Written]) -> Vec<u8> {
        let number = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
        let mut out = number(equations.len()).to_vec();
        for (image, terms) in equations {
            out.extend(number(image.len()));
            for (element, coefficient) in image {
                out.extend(element.to_le_bytes());
                out.extend(coefficient.as_bytes());
            }
            out.extend(number(terms.len()));
            for (scalar, element, coefficient) in terms {
                out.extend(scalar.to_le_bytes());
                out.extend(element.to_le_bytes());
                out.extend(coefficient.as_bytes());
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::writing::header;
    use super::*;
    use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT as G;

    const ONE: Scalar = Scalar::ONE;

    #[test]
    fn every_truncation_and_extension_of_a_header_is_refused() {
        let whole = header(&[(vec![(1, ONE), (0, -ONE)], vec![(0, 0, ONE), (1, 2, ONE)])]);
        assert!(Relation::of(&whole).is_ok());
        for cut in 0..whole.len() {
            assert!(Relation::of(&whole[..cut]).is_err(), "{cut} bytes");
        }
        assert!(Relation::of(&[&whole[..], &[0]].concat()).is_err());
    }

    #[test]
    fn gaps_in_the_indices_are_refused_without_reserving_memory_for_them() {
        for (element, scalar) in [(2, 0), (1, 1), (u32::MAX, 0), (1, u32::MAX)] {
            assert!(Relation::of(&header(&[(vec![(element, ONE)], vec![(scalar, 0, ONE)])])).is_err());
        }
        assert!(Relation::of(&header(&[(vec![(1, ONE)], vec![])])).is_err());
        assert!(Relation::of(&header(&[])).is_err());
        assert!(Relation::of(&[1, 0, 0, 0, 255, 255, 255, 255]).is_err());
    }

    #[test]
    fn an_image_that_sums_to_the_identity_is_found() {
        let big = Scalar::from(u64::MAX);
        for weight in [ONE, Scalar::from(3_u64), -Scalar::from(5_u64), big] {
            let relation = Relation::of(&header(&[(vec![(1, weight), (2, ONE)], vec![(0, 0, ONE)])])).unwrap();
            let accepts = |second| relation.accepts_elements(&Elements { shared: &[G], own: &[G + G, second] });
            assert!(!accepts(-weight * (G + G)));
            assert!(accepts(-weight * (G + G) + G));
        }
    }

    #[test]
    fn a_column_needs_one_entry_that_is_not_the_identity() {
        let twice = vec![(0, 0, ONE), (0, 1, -ONE)];
        let relation = Relation::of(&header(&[(vec![(1, ONE)], twice.clone())])).unwrap();
        assert!(!relation.accepts_elements(&Elements { shared: &[G], own: &[G] }));
        assert!(relation.accepts_elements(&Elements { shared: &[G], own: &[G + G] }));
        let rescued = Relation::of(&header(&[(vec![(1, ONE)], twice), (vec![(1, ONE)], vec![(0, 0, ONE)])])).unwrap();
        assert!(rescued.accepts_elements(&Elements { shared: &[G], own: &[G] }));
    }

    #[test]
    fn a_relation_that_vanishes_for_all_elements_accepts_none() {
        for (image, terms) in [
            (vec![(1, ONE), (1, -ONE)], vec![(0, 1, ONE)]),
            (vec![(1, Scalar::ZERO)], vec![(0, 1, ONE)]),
            (vec![(1, ONE)], vec![(0, 1, ONE), (0, 1, -ONE)]),
            (vec![(1, ONE)], vec![(0, 1, Scalar::ZERO)]),
        ] {
            let relation = Relation::of(&header(&[(image, terms)])).unwrap();
            assert!(!relation.accepts_elements(&Elements { shared: &[G], own: &[G] }));
        }
    }
}
