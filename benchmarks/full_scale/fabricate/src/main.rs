//! Test equipment, never part of an election: real ballots with real proofs, made fast because this program knows
//! every voter's secret, chooses all nonces itself, and need not hide how long anything takes.
//!
//! Every element of a ballot's relation is then g·G + k·K with known (g, k), so that a whole ballot is multiplications
//! of two bases with tables. What comes out is what `retally_crypto.ballots` would have made from other nonces, and no
//! verifier can tell. Nonces follow from the job's seed: whoever has it knows every vote.
//!
//! Standard input, little-endian:
//!
//!     "fabricate 1\n"  seed[32]  election id[32]  K[32]
//!     styles: u32 count, then for each   id: u16 length, bytes   relation header: u32 length, bytes
//!     ballots until the end, each        c[32]  style u32  previous u64  bits: u32 count, one byte each
//!
//! `previous` is the position of the ballot that this one replaces, or u64::MAX. Standard output: the entries in order,
//! each as u16 big-endian length and bytes, which is how tlog-tiles lays out a bundle.

mod ballot;
mod table;

use ballot::{Election, Ordered, Style};
use rayon::prelude::*;
use retally_native::relation::Relation;
use std::error::Error;
use std::io::{self, BufReader, BufWriter, Read, Write};

/// Ballots made together by all cores.
const BLOCK: usize = 2048;
const FIRST: u64 = u64::MAX;

fn main() -> Result<(), Box<dyn Error>> {
    let mut input = BufReader::with_capacity(1 << 20, io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let election = read_election(&mut input)?;
    let mut hashes: Vec<[u8; 32]> = Vec::new();
    let mut waiting = next(&mut input)?;
    while waiting.is_some() {
        let mut block: Vec<(Ordered, [u8; 32])> = Vec::with_capacity(BLOCK);
        // A ballot is made only after the one it replaces, whose hash it names.
        while block.len() < BLOCK {
            let Some((ordered, previous)) = waiting.take() else {
                break;
            };
            let named = match previous {
                FIRST => [0; 32],
                position => match hashes.get(usize::try_from(position)?) {
                    Some(hash) => *hash,
                    None if (position as usize) < hashes.len() + block.len() => {
                        waiting = Some((ordered, previous));
                        break;
                    }
                    None => return Err(format!("ballot {position} is not made yet").into()),
                },
            };
            block.push((ordered, named));
            waiting = next(&mut input)?;
        }
        let first = hashes.len() as u64;
        let made: Vec<_> = block
            .par_iter()
            .enumerate()
            .map(|(at, (ordered, previous))| election.ballot(first + at as u64, ordered, previous))
            .collect();
        for (entry, hash) in made {
            output.write_all(&u16::try_from(entry.len())?.to_be_bytes())?;
            output.write_all(&entry)?;
            hashes.push(hash);
        }
    }
    output.flush()?;
    Ok(())
}

fn read_election(input: &mut impl Read) -> Result<Election, Box<dyn Error>> {
    if &take::<12>(input)? != b"fabricate 1\n" {
        return Err("this is no job for fabricate".into());
    }
    let (seed, id, key) = (take(input)?, take(input)?, take(input)?);
    let mut styles = Vec::new();
    for _ in 0..u32::from_le_bytes(take(input)?) {
        let mut name = vec![0; usize::from(u16::from_le_bytes(take(input)?))];
        input.read_exact(&mut name)?;
        let mut header = vec![0; u32::from_le_bytes(take(input)?) as usize];
        input.read_exact(&mut header)?;
        let relation = Relation::of(&header).map_err(|fault| fault.0)?;
        styles.push(Style {
            id: String::from_utf8(name)?,
            relation,
        });
    }
    Election::new(seed, id, key, styles).ok_or_else(|| "K is no element".into())
}

fn next(input: &mut impl Read) -> io::Result<Option<(Ordered, u64)>> {
    let mut secret = [0; 32];
    if input.read(&mut secret[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut secret[1..])?;
    let style = u32::from_le_bytes(take(input)?) as usize;
    let previous = u64::from_le_bytes(take(input)?);
    let mut bits = vec![0; u32::from_le_bytes(take(input)?) as usize];
    input.read_exact(&mut bits)?;
    Ok(Some((
        Ordered {
            secret,
            style,
            bits,
        },
        previous,
    )))
}

fn take<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}
