//! The SHAKE128 duplex sponge of draft-irtf-cfrg-fiat-shamir, as far as one challenge needs it: absorb, then squeeze
//! once.

use crate::operations::HASHED;
use curve25519_dalek::scalar::Scalar;
use shake::digest::{ExtendableOutput, Update, XofReader};
use shake::{Shake128, Shake128Reader};

/// Bytes of a SHAKE128 block; the session id fills the first one so that what follows begins on a boundary ("Init").
const RATE: usize = 168;

/// Ns + 16, what `DecodeField` takes for a challenge.
const CHALLENGE_BYTES: usize = 48;

const SESSION_DOMAIN: &[u8; 32] = b"irtf-cfrg-fiat-shamir/session-id";

struct DuplexSponge(Shake128);

impl DuplexSponge {
    fn new(session_id: &[u8; 32]) -> Self {
        let mut state = Shake128::default();
        state.update(session_id);
        state.update(&[0; RATE - 32]);
        DuplexSponge(state)
    }

    fn absorb(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        HASHED.add(bytes.len());
        self
    }

    fn squeeze(self) -> Shake128Reader {
        self.0.finalize_xof()
    }
}

/// `DeriveSessionID` of the draft, section "Session identifiers".
pub fn session_id(tag: &[u8]) -> [u8; 32] {
    let mut id = [0; 32];
    DuplexSponge::new(SESSION_DOMAIN).absorb(tag).squeeze().read(&mut id);
    id
}

/// `DeriveChallenge` of draft-irtf-cfrg-sigma-protocols-03; the instance arrives in pieces that only belong together
/// when concatenated.
pub fn challenge(tag: &[u8], instance: &[&[u8]], commitment: &[u8]) -> Scalar {
    let sponge = instance.iter().fold(DuplexSponge::new(&session_id(tag)), |sponge, piece| sponge.absorb(piece));
    let mut wide = [0; 64];
    sponge.absorb(commitment).squeeze().read(&mut wide[..CHALLENGE_BYTES]);
    Scalar::from_bytes_mod_order_wide(&wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_an_instance_are_one_instance() {
        let whole = challenge(b"tag", &[b"one two"], b"three");
        assert_eq!(whole, challenge(b"tag", &[b"one", b" ", b"two"], b"three"));
        assert_ne!(whole, challenge(b"tag", &[b"one two"], b"four"));
        assert_ne!(whole, challenge(b"gat", &[b"one two"], b"three"));
    }
}
