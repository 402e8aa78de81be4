//! Multiplication of one base by public scalars: a table of all multiples of each byte, 32 additions a scalar.

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;

/// d·256^i·base at [i][d].
pub struct Table(Vec<[RistrettoPoint; 256]>);

impl Table {
    pub fn new(base: RistrettoPoint) -> Self {
        let mut power = base;
        let windows = (0..32).map(|_| {
            let mut window = [RistrettoPoint::identity(); 256];
            for digit in 1..256 {
                window[digit] = window[digit - 1] + power;
            }
            power += window[255];
            window
        });
        Table(windows.collect())
    }

    pub fn multiply(&self, scalar: &Scalar) -> RistrettoPoint {
        let mut sum = RistrettoPoint::identity();
        for (window, digit) in self.0.iter().zip(scalar.as_bytes()) {
            if *digit != 0 {
                sum += window[usize::from(*digit)];
            }
        }
        sum
    }
}
