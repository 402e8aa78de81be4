//! Batchable proofs (draft-irtf-cfrg-sigma-protocols-03, "Prover" and `ProveBatchable`), constant time in witness and
//! nonces.
//!
//! A prover often made the elements of her statement herself and knows them over few bases: a ciphertext is known over
//! the generator and the election's key. Where she says so, elements are replaced by their representations, and every
//! multiplication by a secret is one of a fixed base with a table. Before any nonce is drawn, representations and
//! witness are checked: nothing is proved that does not hold.

use crate::fixed_base::FixedBase;
use crate::points::{LENGTH, Malformed, Outcome, decode, encode_doubled, require_scalars, vartime_sum};
use crate::relation::{Elements, Relation};
use crate::sponge;
use crate::verify::fresh_weights;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, IsIdentity};
use rayon::prelude::*;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// An honest draw gives an identity among the commitments with a probability of about 2^-250.
const DRAWS: usize = 8;

/// Equations whose commitments one core computes at least.
const PER_TASK: usize = 8;

/// An element index with what the prover says it is: (base index, secret scalar) each.
pub type Known<B> = [(usize, Vec<(usize, B)>)];

type Representations = BTreeMap<usize, Vec<(usize, Zeroizing<Scalar>)>>;

/// A sum of secret multiples of elements: element index -> scalar.
#[derive(Default)]
struct SecretRow(BTreeMap<usize, Zeroizing<Scalar>>);

impl SecretRow {
    fn add(&mut self, element: usize, amount: &Scalar) {
        **self.0.entry(element).or_default() += amount;
    }
}

struct Prover<'a> {
    relation: &'a Relation,
    /// The elements with the generator at 0.
    points: Vec<RistrettoPoint>,
    bases: Vec<Option<FixedBase>>,
    known: Representations,
}

/// Commitment ‖ response, with fresh nonces from the operating system.
///
/// known: (element index, [(base index, scalar), …]); may be empty. Refused are an invalid instance, a representation
/// that is not true, and a witness that does not satisfy the relation.
pub fn prove<B: AsRef<[u8]>>(
    relation: &Relation,
    elements: &[u8],
    tag: &[u8],
    witness: &[u8],
    known: &Known<B>,
) -> Outcome<Vec<u8>> {
    let witness = require_scalars("witness", witness)?;
    if witness.len() != relation.scalar_count {
        let (given, needed) = (witness.len(), relation.scalar_count);
        return Err(Malformed::new(format!("witness: {given} scalars were given, the relation has {needed}")));
    }
    let prover = Prover::new(relation, elements, known)?;
    prover.require_representations()?;
    prover.require_witness(&witness)?;
    for _ in 0..DRAWS {
        let nonces = fresh_scalars(relation.scalar_count);
        let half_nonces = Zeroizing::new(nonces.iter().map(Scalar::div_by_2).collect::<Vec<_>>());
        let half_commitment = prover.map(&half_nonces);
        if half_commitment.iter().any(IsIdentity::is_identity) {
            continue;
        }
        let mut proof = encode_doubled(&half_commitment);
        let challenge = sponge::challenge(tag, &[&relation.header, elements], &proof);
        for (nonce, secret) in nonces.iter().zip(witness.iter()) {
            proof.extend((nonce + secret * challenge).as_bytes());
        }
        return Ok(proof);
    }
    panic!("{DRAWS} draws of nonces all gave an identity: the operating system's generator is broken");
}

impl<'a> Prover<'a> {
    fn new<B: AsRef<[u8]>>(relation: &'a Relation, elements: &[u8], known: &Known<B>) -> Outcome<Self> {
        if elements.len() != relation.elements_length() {
            let (given, needed) = (elements.len(), relation.elements_length());
            return Err(Malformed::new(format!("elements: {given} bytes were given, the relation needs {needed}")));
        }
        let mut encodings = vec![RISTRETTO_BASEPOINT_POINT.compress()];
        let mut points = vec![RISTRETTO_BASEPOINT_POINT];
        for (index, encoding) in elements.as_chunks::<LENGTH>().0.iter().enumerate() {
            encodings.push(CompressedRistretto(*encoding));
            points.push(decode(encoding).ok_or_else(|| {
                Malformed::new(format!("elements: the encoding at index {index} is not canonical or is the identity"))
            })?);
        }
        if !relation.accepts_elements(&Elements { shared: &points, own: &[] }) {
            return Err(Malformed::new("the instance is not valid: an image or a column is the identity"));
        }
        let known = representations(relation, known)?;
        let mut prover = Prover { relation, points, bases: Vec::new(), known };
        prover.bases = prover
            .uses()
            .into_iter()
            .enumerate()
            .map(|(index, uses)| {
                (uses > 0).then(|| FixedBase::of_relation(encodings[index], prover.points[index], uses))
            })
            .collect();
        Ok(prover)
    }

    /// In how many equations and representations each element is multiplied by a secret.
    fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.points.len()];
        let zeros = vec![Scalar::ZERO; self.relation.scalar_count];
        for row in (0..self.relation.equations.len()).map(|number| self.row(number, &zeros)) {
            row.0.keys().for_each(|element| uses[*element] += 1);
        }
        for (base, _) in self.known.values().flatten() {
            uses[*base] += 1;
        }
        uses
    }

    /// The right-hand side of an equation at secret scalars, over bases that are not known over others.
    fn row(&self, equation: usize, scalars: &[Scalar]) -> SecretRow {
        let mut row = SecretRow::default();
        for (scalar, element, coefficient) in &self.relation.equations[equation].terms {
            let amount = Zeroizing::new(coefficient.times(&scalars[*scalar]));
            match self.known.get(element) {
                None => row.add(*element, &amount),
                Some(representation) => {
                    for (base, factor) in representation {
                        row.add(*base, &Zeroizing::new(*amount * **factor));
                    }
                }
            }
        }
        row
    }

    fn evaluate(&self, row: &SecretRow) -> RistrettoPoint {
        row.0.iter().fold(RistrettoPoint::identity(), |sum, (element, scalar)| {
            let base = self.bases[*element].as_ref().expect("every base of a row was made ready");
            sum + base.multiply(scalar)
        })
    }

    /// `map(instance, scalars)` of the draft.
    fn map(&self, scalars: &[Scalar]) -> Vec<RistrettoPoint> {
        let equations = 0..self.relation.equations.len();
        equations
            .into_par_iter()
            .with_min_len(PER_TASK)
            .map(|number| self.evaluate(&self.row(number, scalars)))
            .collect()
    }

    /// Σ weight·(element − representation) is the identity, with weights that nobody could foresee.
    fn require_representations(&self) -> Outcome<()> {
        let weights = fresh_weights(self.known.len());
        let mut claimed = SecretRow::default();
        for (representation, weight) in self.known.values().zip(&weights) {
            for (base, factor) in representation {
                claimed.add(*base, &Zeroizing::new(weight * **factor));
            }
        }
        let elements: Vec<&RistrettoPoint> = self.known.keys().map(|index| &self.points[*index]).collect();
        if vartime_sum(&weights, &elements) == self.evaluate(&claimed) {
            Ok(())
        } else {
            Err(Malformed::new("known: an element is not what its representation says"))
        }
    }

    /// Σ weight·(image − map(witness)) is the identity.
    fn require_witness(&self, witness: &[Scalar]) -> Outcome<()> {
        let weights = fresh_weights(self.relation.equations.len());
        let mut image = vec![Scalar::ZERO; self.points.len()];
        let mut map = SecretRow::default();
        for (number, (equation, weight)) in self.relation.equations.iter().zip(&weights).enumerate() {
            for (element, coefficient) in &equation.image {
                image[*element] += coefficient.times(weight);
            }
            for (element, scalar) in self.row(number, witness).0 {
                map.add(element, &Zeroizing::new(weight * *scalar));
            }
        }
        if vartime_sum(&image, &self.points.iter().collect::<Vec<_>>()) == self.evaluate(&map) {
            Ok(())
        } else {
            Err(Malformed::new("witness: it does not satisfy the relation"))
        }
    }
}

/// The representations by element, each over bases that have none themselves.
fn representations<B: AsRef<[u8]>>(relation: &Relation, known: &Known<B>) -> Outcome<Representations> {
    let mut by_element = BTreeMap::new();
    for (element, representation) in known {
        let mut scalars = Vec::with_capacity(representation.len());
        for (base, scalar) in representation {
            if *base >= relation.element_count || known.iter().any(|(other, _)| other == base) {
                let problem = "does not exist or is itself given over others";
                return Err(Malformed::new(format!("known: element {element} is given over {base}, which {problem}")));
            }
            scalars.push((*base, Zeroizing::new(secret_scalar(*element, scalar.as_ref())?)));
        }
        if !(1..relation.element_count).contains(element) || by_element.insert(*element, scalars).is_some() {
            return Err(Malformed::new(format!("known: element {element} does not exist, or is given twice")));
        }
    }
    Ok(by_element)
}

fn secret_scalar(element: usize, encoding: &[u8]) -> Outcome<Scalar> {
    match require_scalars("known", encoding)?.as_slice() {
        [scalar] => Ok(*scalar),
        _ => Err(Malformed::new(format!("known: a factor of element {element} is not one scalar"))),
    }
}

/// Uniform scalars from the operating system.
fn fresh_scalars(count: usize) -> Zeroizing<Vec<Scalar>> {
    let mut random = Zeroizing::new(vec![0; 64 * count]);
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    Zeroizing::new(random.as_chunks().0.iter().map(Scalar::from_bytes_mod_order_wide).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::encode_all;
    use crate::relation::writing::header;
    use crate::verify::verify;
    use std::sync::Arc;

    const ONE: Scalar = Scalar::ONE;

    /// C = b*G + r*H; C = b*C + s*H: the commitment C is to a bit.
    fn bit_relation() -> Arc<Relation> {
        let opening = (vec![(2, ONE)], vec![(0, 0, ONE), (1, 1, ONE)]);
        let square = (vec![(2, ONE)], vec![(0, 2, ONE), (2, 1, ONE)]);
        Relation::of(&header(&[opening, square])).unwrap()
    }

    type Owned = Vec<(usize, Vec<(usize, [u8; 32])>)>;

    fn statement(bit: u64) -> (Vec<u8>, Vec<u8>, Owned) {
        let [bit, blinding, base] = [bit, 11, 13].map(Scalar::from);
        let base = base * RISTRETTO_BASEPOINT_POINT;
        let elements = encode_all(&[base, bit * RISTRETTO_BASEPOINT_POINT + blinding * base]);
        let witness = [bit, blinding, (ONE - bit) * blinding].map(|scalar| scalar.to_bytes()).concat();
        (elements, witness, vec![(2, vec![(0, bit.to_bytes()), (1, blinding.to_bytes())])])
    }

    #[test]
    fn a_bit_is_proved_with_and_without_its_representation() {
        let relation = bit_relation();
        for bit in [0, 1] {
            let (elements, witness, known) = statement(bit);
            for known in [&known[..], &[]] {
                let proof = prove(&relation, &elements, b"tag", &witness, known).unwrap();
                assert!(verify(&relation, &elements, b"tag", &proof));
                assert!(!verify(&relation, &elements, b"gat", &proof));
                let again = prove(&relation, &elements, b"tag", &witness, known).unwrap();
                assert_ne!(proof, again, "nonces must be fresh");
            }
        }
    }

    #[test]
    fn a_two_is_not_a_bit() {
        let (elements, witness, known) = statement(2);
        let refusal = prove(&bit_relation(), &elements, b"tag", &witness, &known).unwrap_err();
        assert!(refusal.0.starts_with("witness"), "{refusal:?}");
    }

    #[test]
    fn a_representation_that_is_not_true_is_refused() {
        let (elements, witness, mut known) = statement(1);
        known[0].1[1].1[0] ^= 1;
        let refusal = prove(&bit_relation(), &elements, b"tag", &witness, &known).unwrap_err();
        assert!(refusal.0.starts_with("known"), "{refusal:?}");
    }
}
