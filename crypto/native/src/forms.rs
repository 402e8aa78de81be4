//! Entries of a fixed form, read in bulk: text that is always the same, and base64url of a known length in between.
//!
//! A form is stricter than any parser: an entry either is, byte for byte, what the form writes for some values, or it
//! is left alone, for a parser to say what is wrong with it. It knows nothing of what the values mean.

use crate::operations::{COPIED, HASHED};
use crate::points::{Malformed, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// A stretch of an entry.
pub enum Piece {
    Text(Vec<u8>),
    /// Canonical base64url without padding of so many bytes.
    Value(usize),
}

/// What to write for each entry that has the form, in this order.
pub enum Output {
    /// The value with this number, counted from 0.
    Value(usize),
    /// SHA-256 of the entry without the pieces of `Form::omitted`.
    Digest,
}

pub struct Form {
    pub pieces: Vec<Piece>,
    /// The pieces, counted from 0, that the digest leaves out: one stretch.
    pub omitted: std::ops::Range<usize>,
    /// One buffer for each: its outputs, entry after entry.
    pub buffers: Vec<Vec<Output>>,
}

/// The entries that have one form: their places, and the buffers.
#[derive(Default)]
pub struct Read {
    pub places: Vec<usize>,
    pub buffers: Vec<Vec<u8>>,
}

impl Form {
    fn length(&self) -> usize {
        self.pieces.iter().map(Piece::length).sum()
    }

    /// Appends what the entry holds to `read`, or leaves it as it was if the entry has not this form.
    fn read(&self, entry: &[u8], place: usize, read: &mut Read, values: &mut [Vec<u8>]) -> bool {
        let mut rest = entry;
        let mut found = Vec::with_capacity(values.len());
        let mut cut = (0, 0);
        for (number, piece) in self.pieces.iter().enumerate() {
            if number == self.omitted.start {
                cut.0 = entry.len() - rest.len();
            }
            let (stretch, after) = rest.split_at(piece.length());
            match piece {
                Piece::Text(text) if stretch != text => return false,
                Piece::Text(_) => {}
                Piece::Value(_) => found.push(stretch),
            }
            rest = after;
            if number + 1 == self.omitted.end {
                cut.1 = entry.len() - rest.len();
            }
        }
        for (text, value) in found.iter().zip(values.iter_mut()) {
            // The decoder refuses other symbols and trailing bits that are not zero.
            if URL_SAFE_NO_PAD.decode_slice(text, value) != Ok(value.len()) {
                return false;
            }
        }
        let digest = Sha256::new().chain_update(&entry[..cut.0]).chain_update(&entry[cut.1..]).finalize();
        for (buffer, outputs) in read.buffers.iter_mut().zip(&self.buffers) {
            for output in outputs {
                match output {
                    Output::Value(number) => buffer.extend(&values[*number]),
                    Output::Digest => buffer.extend(&digest[..]),
                }
            }
        }
        read.places.push(place);
        HASHED.add(entry.len() - (cut.1 - cut.0));
        true
    }

    fn new_values(&self) -> Vec<Vec<u8>> {
        self.pieces
            .iter()
            .filter_map(|piece| if let Piece::Value(length) = piece { Some(vec![0; *length]) } else { None })
            .collect()
    }

    fn check(&self) -> Outcome<()> {
        let values = self.new_values().len();
        let known = |output: &Output| !matches!(output, Output::Value(number) if *number >= values);
        if self.omitted.start <= self.omitted.end
            && self.omitted.end <= self.pieces.len()
            && self.buffers.iter().flatten().all(known)
        {
            Ok(())
        } else {
            Err(Malformed::new("forms: a piece or a value that the form does not have"))
        }
    }
}

impl Piece {
    fn length(&self) -> usize {
        match self {
            Piece::Text(text) => text.len(),
            Piece::Value(bytes) => (8 * bytes).div_ceil(6),
        }
    }
}

/// For every form what the entries of these bundles hold; places are counted over all bundles.
pub fn read_forms(bundles: &[&[u8]], forms: &[Form]) -> Outcome<Vec<Read>> {
    forms.iter().try_for_each(Form::check)?;
    let parsed: Outcome<Vec<Vec<&[u8]>>> = bundles.iter().map(|bundle| crate::merkle::entries(bundle)).collect();
    let mut first = 0;
    let numbered: Vec<(usize, Vec<&[u8]>)> = parsed?
        .into_iter()
        .map(|entries| {
            let here = first;
            first += entries.len();
            (here, entries)
        })
        .collect();
    let lengths: Vec<usize> = forms.iter().map(Form::length).collect();
    let parts: Vec<Vec<Read>> = numbered
        .par_iter()
        .map(|(first, entries)| {
            let mut reads: Vec<Read> = forms.iter().map(Form::nothing).collect();
            let mut values: Vec<Vec<Vec<u8>>> = forms.iter().map(Form::new_values).collect();
            for (offset, entry) in entries.iter().enumerate() {
                for (number, form) in forms.iter().enumerate() {
                    if lengths[number] == entry.len()
                        && form.read(entry, first + offset, &mut reads[number], &mut values[number])
                    {
                        break;
                    }
                }
            }
            reads
        })
        .collect();
    let mut whole: Vec<Read> = forms.iter().map(Form::nothing).collect();
    for part in parts {
        for (all, some) in whole.iter_mut().zip(part) {
            all.places.extend(some.places);
            for (buffer, more) in all.buffers.iter_mut().zip(some.buffers) {
                buffer.extend(more);
            }
        }
    }
    COPIED.add(whole.iter().flat_map(|read| &read.buffers).map(Vec::len).sum());
    Ok(whole)
}

impl Form {
    fn nothing(&self) -> Read {
        Read { places: Vec::new(), buffers: self.buffers.iter().map(|_| Vec::new()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        Form {
            pieces: vec![
                Piece::Text(b"a=".to_vec()),
                Piece::Value(4),
                Piece::Text(b";b=".to_vec()),
                Piece::Value(1),
                Piece::Text(b";".to_vec()),
            ],
            omitted: 2..4,
            buffers: vec![vec![Output::Value(1), Output::Value(0)], vec![Output::Digest]],
        }
    }

    fn bundle(entries: &[&str]) -> Vec<u8> {
        entries.iter().flat_map(|entry| [&(entry.len() as u16).to_be_bytes()[..], entry.as_bytes()].concat()).collect()
    }

    #[test]
    fn values_and_the_digest_of_the_rest_are_read() {
        let (one, two) = (bundle(&["other", "a=AQIDBA;b=_w;"]), bundle(&["a=AAAAAA;b=AA;"]));
        let read = read_forms(&[&one, &two], &[form()]).unwrap();
        assert_eq!(read[0].places, [1, 2]);
        assert_eq!(read[0].buffers[0], [255, 1, 2, 3, 4, 0, 0, 0, 0, 0]);
        assert_eq!(read[0].buffers[1][..32], Sha256::digest(b"a=AQIDBA;")[..]);
    }

    #[test]
    fn whatever_is_not_the_one_way_to_write_it_is_left_alone() {
        for entry in
            ["a=AQIDBA;b=_w,", "a=AQIDBB;b=_w;", "a=AQIDB+;b=_w;", "a=AQIDBA;b=_x;", "a=AQIDB=;b=_w;", "A=AQIDBA;b=_w;"]
        {
            let read = read_forms(&[&bundle(&[entry])], &[form()]).unwrap();
            assert!(read[0].places.is_empty() && read[0].buffers[0].is_empty(), "{entry}");
        }
    }

    #[test]
    fn the_first_form_that_fits_takes_the_entry() {
        let read = read_forms(&[&bundle(&["a=AQIDBA;b=_w;"])], &[form(), form()]).unwrap();
        assert_eq!((read[0].places.len(), read[1].places.len()), (1, 0));
    }
}
