//! Verification of batchable proofs (draft-irtf-cfrg-sigma-protocols-03, "Batchable NARG strings" and "Batch
//! verification").
//!
//! A statement is read once: every point is decoded, the instance validated, the challenge derived. Whether its
//! equations hold is asked of any number of statements at once, as one random linear combination: with an independent
//! 128-bit weight from the operating system for every equation, drawn after everything else is fixed, a false equation
//! survives with probability 2^-128, and true ones always do. Everything here is public and runs in variable time.

use crate::points::{LENGTH, decode_all, decode_all_scalars, vartime_sum};
use crate::relation::{Elements, Relation};
use crate::sponge;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;

/// Bytes of a weight: 128 bits.
const WEIGHT_LENGTH: usize = 16;

/// What all statements of a batch have in common.
pub struct Template<'a> {
    pub relation: &'a Relation,
    /// Encodings of the elements 1 to s.
    encodings: &'a [u8],
    /// The generator and these elements.
    pub shared: Vec<RistrettoPoint>,
}

impl<'a> Template<'a> {
    /// `None` if a shared element is not acceptable, and with it no statement.
    pub fn new(relation: &'a Relation, encodings: &'a [u8]) -> Option<Self> {
        let mut shared = vec![RISTRETTO_BASEPOINT_POINT];
        shared.extend(decode_all(encodings)?);
        Some(Template { relation, encodings, shared })
    }
}

/// A valid instance with a well-formed proof, read but not yet verified.
pub struct Statement {
    /// The elements after the shared ones.
    pub own: Vec<RistrettoPoint>,
    commitment: Vec<RistrettoPoint>,
    challenge: Scalar,
    response: Vec<Scalar>,
}

impl Statement {
    /// Instance validation and deserialisation; `None` for whatever an adversary may have got wrong.
    ///
    /// elements: the encodings of the elements after the shared ones.
    pub fn read(template: &Template<'_>, elements: &[u8], tag: &[u8], proof: &[u8]) -> Option<Self> {
        let relation = template.relation;
        if template.encodings.len() + elements.len() != relation.elements_length()
            || proof.len() != relation.proof_length()
        {
            return None;
        }
        let (commitment_bytes, response_bytes) = proof.split_at(relation.commitment_length());
        let response = decode_all_scalars(response_bytes)?;
        let own = decode_all(elements)?;
        if !relation.accepts_elements(&Elements { shared: &template.shared, own: &own }) {
            return None;
        }
        let commitment = decode_all(commitment_bytes)?;
        let instance = [&relation.header[..], template.encodings, elements];
        let challenge = sponge::challenge(tag, &instance, commitment_bytes);
        Some(Statement { own, commitment, challenge, response })
    }
}

/// Whether the proofs of all statements hold: Σ weight·(commitment + challenge·image − map(response)) is the identity.
pub fn all_hold(template: &Template<'_>, statements: &[&Statement]) -> bool {
    let relation = template.relation;
    let shared_count = template.shared.len();
    let own_count = relation.element_count - shared_count;
    let per_statement = own_count + relation.equations.len();
    let weights = fresh_weights(statements.len() * relation.equations.len());

    let mut shared = vec![Scalar::ZERO; shared_count];
    let mut scalars = Vec::with_capacity(statements.len() * per_statement + shared_count);
    let mut points = Vec::with_capacity(scalars.capacity());
    for (statement, weights) in statements.iter().zip(weights.chunks(relation.equations.len())) {
        let first = scalars.len();
        scalars.resize(first + own_count, Scalar::ZERO);
        let own = &mut scalars[first..];
        let mut add = |element: usize, amount: Scalar| match shared.get_mut(element) {
            Some(coefficient) => *coefficient += amount,
            None => own[element - shared_count] += amount,
        };
        for (equation, weight) in relation.equations.iter().zip(weights) {
            let weighted_challenge = weight * statement.challenge;
            for (element, coefficient) in &equation.image {
                add(*element, coefficient.times(&weighted_challenge));
            }
            for (scalar, element, coefficient) in &equation.terms {
                add(*element, -coefficient.times(&(weight * statement.response[*scalar])));
            }
        }
        scalars.extend_from_slice(weights);
        points.extend(statement.own.iter().chain(&statement.commitment));
    }
    scalars.extend(shared);
    points.extend(&template.shared);
    vartime_sum(&scalars, &points).is_identity()
}

/// Independent uniform weights below 2^128.
pub fn fresh_weights(count: usize) -> Vec<Scalar> {
    let mut random = vec![0; count * WEIGHT_LENGTH];
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    let (weights, _) = random.as_chunks::<WEIGHT_LENGTH>();
    weights.iter().map(|weight| Scalar::from(u128::from_le_bytes(*weight))).collect()
}

/// Whether one proof holds; false for anything wrong with elements or proof.
pub fn verify(relation: &Relation, elements: &[u8], tag: &[u8], proof: &[u8]) -> bool {
    debug_assert!(relation.elements_length().is_multiple_of(LENGTH));
    Template::new(relation, &[]).is_some_and(|template| {
        Statement::read(&template, elements, tag, proof).is_some_and(|statement| all_hold(&template, &[&statement]))
    })
}
