//! One ballot (docs/spec 6): ciphertexts, body, proof.

use crate::table::Table;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use retally_native::relation::Relation;
use retally_native::sponge;
use sha2::{Digest, Sha256};
use shake::digest::{ExtendableOutput, Update, XofReader};
use shake::{Shake256, Shake256Reader};
use std::sync::Arc;

const SUITE: &str = "sigma-proofs_Shake128_Ristretto255";

pub struct Style {
    pub id: String,
    pub relation: Arc<Relation>,
}

pub struct Election {
    seed: [u8; 32],
    id: [u8; 32],
    key: [u8; 32],
    styles: Vec<Style>,
    g: Table,
    k: Table,
}

/// What one ballot is to hold: the credential's secret, the style's position, one byte for every bit.
pub struct Ordered {
    pub secret: [u8; 32],
    pub style: usize,
    pub bits: Vec<u8>,
}

/// g·G + k·K.
#[derive(Clone, Copy)]
struct Known {
    g: Scalar,
    k: Scalar,
}

impl Known {
    const ZERO: Known = Known {
        g: Scalar::ZERO,
        k: Scalar::ZERO,
    };

    fn add(&mut self, factor: &Scalar, other: &Known) {
        self.g += factor * other.g;
        self.k += factor * other.k;
    }

    fn halved(&self) -> Known {
        Known {
            g: self.g.div_by_2(),
            k: self.k.div_by_2(),
        }
    }
}

impl Election {
    pub fn new(seed: [u8; 32], id: [u8; 32], key: [u8; 32], styles: Vec<Style>) -> Option<Self> {
        let k = Table::new(CompressedRistretto(key).decompress()?);
        Some(Election {
            seed,
            id,
            key,
            styles,
            g: Table::new(RISTRETTO_BASEPOINT_POINT),
            k,
        })
    }

    /// The entry at `position` of the job, and the hash of its body.
    pub fn ballot(
        &self,
        position: u64,
        ordered: &Ordered,
        previous: &[u8; 32],
    ) -> (Vec<u8>, [u8; 32]) {
        let style = &self.styles[ordered.style];
        let secret = Scalar::from_bytes_mod_order(ordered.secret);
        let mut nonces = Nonces::new(&self.seed, position);

        // Elements 0 G, 1 K, 2 C, then A_1, B_1, …; scalars c, then b, r, s of every bit.
        let mut known = vec![
            Known {
                g: Scalar::ONE,
                k: Scalar::ZERO,
            },
            Known {
                g: Scalar::ZERO,
                k: Scalar::ONE,
            },
        ];
        known.push(Known {
            g: secret,
            k: Scalar::ZERO,
        });
        let mut witness = vec![secret];
        for bit in &ordered.bits {
            let (bit, nonce) = (Scalar::from(*bit), nonces.next());
            known.push(Known {
                g: nonce,
                k: Scalar::ZERO,
            });
            known.push(Known { g: bit, k: nonce });
            witness.extend([bit, nonce, (Scalar::ONE - bit) * nonce]);
        }
        let elements = self.encode(&known[2..]);
        let body = self.body(style, &elements[..32], previous, &elements[32..]);
        let hash: [u8; 32] = Sha256::digest(body.as_bytes()).into();

        let random: Vec<Scalar> = witness.iter().map(|_| nonces.next()).collect();
        let commitments: Vec<Known> = style
            .relation
            .equations
            .iter()
            .map(|equation| {
                let mut sum = Known::ZERO;
                for (scalar, element, coefficient) in &equation.terms {
                    sum.add(&coefficient.times(&random[*scalar]), &known[*element]);
                }
                sum
            })
            .collect();
        let mut proof = self.encode(&commitments);
        let tag = format!(
            "RETALLY-V01-Ballot-{}{}-DSFS-with-{SUITE}",
            hex(&self.id),
            hex(&hash)
        );
        let challenge = sponge::challenge(
            tag.as_bytes(),
            &[&style.relation.header, &self.key, &elements],
            &proof,
        );
        for (nonce, secret) in random.iter().zip(&witness) {
            proof.extend((nonce + secret * challenge).as_bytes());
        }
        // Members stand in the order of their names: `proof` comes before `style`.
        let (before, after) = body.split_at(
            body.rfind(",\"style\"")
                .expect("every body names its style"),
        );
        (
            format!(
                "{before},\"proof\":\"{}\"{after}",
                URL_SAFE_NO_PAD.encode(proof)
            )
            .into_bytes(),
            hash,
        )
    }

    fn encode(&self, known: &[Known]) -> Vec<u8> {
        let halves: Vec<RistrettoPoint> = known
            .iter()
            .map(Known::halved)
            .map(|half| self.g.multiply(&half.g) + self.k.multiply(&half.k))
            .collect();
        RistrettoPoint::double_and_compress_batch(&halves)
            .iter()
            .flat_map(|point| point.to_bytes())
            .collect()
    }

    fn body(
        &self,
        style: &Style,
        credential: &[u8],
        previous: &[u8],
        ciphertexts: &[u8],
    ) -> String {
        let text = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        format!(
            r#"{{"ciphertexts":"{}","credential":"{}","election":"{}","kind":"ballot","previous":"{}","style":"{}"}}"#,
            text(ciphertexts),
            text(credential),
            text(&self.id),
            text(previous),
            style.id
        )
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Nonces(Shake256Reader);

impl Nonces {
    fn new(seed: &[u8; 32], position: u64) -> Self {
        let mut state = Shake256::default();
        state.update(seed);
        state.update(&position.to_le_bytes());
        Nonces(state.finalize_xof())
    }

    fn next(&mut self) -> Scalar {
        let mut wide = [0; 64];
        self.0.read(&mut wide);
        Scalar::from_bytes_mod_order_wide(&wide)
    }
}
