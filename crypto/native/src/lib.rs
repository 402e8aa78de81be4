//! The native engine of Retally: the engine interface of `retally_reference.engine`, bytes in, bytes out, over all
//! cores.
//!
//! It knows nothing of voting. Secrets are handled in constant time; what is public is fast. This file is the Python
//! surface alone.

#![forbid(unsafe_code)]

pub mod batch;
pub mod discrete_log;
pub mod fixed_base;
pub mod forms;
pub mod merkle;
pub mod operations;
pub mod points;
pub mod prove;
pub mod records;
pub mod relation;
pub mod sponge;
pub mod verify;

#[cfg(feature = "python")]
#[pyo3::pymodule]
mod retally_native {
    use crate::batch::Batch;
    use crate::forms::{Form, Output, Piece};
    use crate::operations::COPIED;
    use crate::points::{Malformed, Outcome};
    use crate::relation::Relation;
    use crate::{batch, discrete_log, fixed_base, forms, merkle, points, sponge};
    use pyo3::exceptions::PyValueError;
    use pyo3::prelude::*;
    use pyo3::pybacked::PyBackedBytes;
    use pyo3::types::PyBytes;

    #[pymodule_export]
    const NAME: &str = "native";
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    impl From<Malformed> for PyErr {
        fn from(Malformed(reason): Malformed) -> PyErr {
            PyValueError::new_err(reason)
        }
    }

    type Bytes<'py> = PyResult<Bound<'py, PyBytes>>;

    /// Work without the interpreter's lock, then hand the bytes over.
    fn bytes<'py, T: AsRef<[u8]> + Send>(py: Python<'py>, work: impl FnOnce() -> Outcome<T> + Send) -> Bytes<'py> {
        let made = py.detach(work)?;
        COPIED.add(made.as_ref().len());
        Ok(PyBytes::new(py, made.as_ref()))
    }

    fn natural(name: &str, number: isize) -> Outcome<usize> {
        usize::try_from(number).map_err(|_| Malformed::new(format!("{name}: {number} is negative")))
    }

    #[pyfunction]
    fn invalid_points(py: Python<'_>, points: &[u8]) -> PyResult<Vec<usize>> {
        Ok(py.detach(|| points::invalid_points(points))?)
    }

    #[pyfunction]
    fn invalid_scalars(py: Python<'_>, scalars: &[u8]) -> PyResult<Vec<usize>> {
        Ok(py.detach(|| points::invalid_scalars(scalars))?)
    }

    #[pyfunction]
    fn add<'py>(py: Python<'py>, a: &[u8], b: &[u8]) -> Bytes<'py> {
        bytes(py, || points::element_wise(a, b, |p, q| p + q))
    }

    #[pyfunction]
    fn subtract<'py>(py: Python<'py>, a: &[u8], b: &[u8]) -> Bytes<'py> {
        bytes(py, || points::element_wise(a, b, |p, q| p - q))
    }

    #[pyfunction]
    fn multiply<'py>(py: Python<'py>, scalars: &[u8], points: &[u8]) -> Bytes<'py> {
        bytes(py, || points::multiply(scalars, points))
    }

    #[pyfunction]
    fn multiply_base<'py>(py: Python<'py>, scalars: &[u8]) -> Bytes<'py> {
        bytes(py, || fixed_base::multiply_base(scalars))
    }

    #[pyfunction]
    fn multiply_fixed<'py>(py: Python<'py>, base: &[u8], scalars: &[u8]) -> Bytes<'py> {
        bytes(py, || fixed_base::multiply_fixed(base, scalars))
    }

    #[pyfunction]
    fn multi_scalar_multiply<'py>(py: Python<'py>, scalars: &[u8], points: &[u8]) -> Bytes<'py> {
        bytes(py, || points::multi_scalar_multiply(scalars, points))
    }

    #[pyfunction]
    fn sum_columns<'py>(py: Python<'py>, points: &[u8], columns: isize) -> Bytes<'py> {
        bytes(py, || points::sum_columns(points, natural("columns", columns)?))
    }

    #[pyfunction]
    fn discrete_logs(py: Python<'_>, points: &[u8], bounds: Vec<i64>) -> PyResult<Vec<Option<u64>>> {
        Ok(py.detach(|| {
            let negative = |bound: i64| Malformed::new(format!("bounds: {bound} is negative"));
            let bounds: Outcome<Vec<u64>> =
                bounds.into_iter().map(|bound| u64::try_from(bound).map_err(|_| negative(bound))).collect();
            discrete_log::discrete_logs(points, &bounds?)
        })?)
    }

    #[pyfunction]
    fn scalar_reduce<'py>(py: Python<'py>, wide: &[u8]) -> Bytes<'py> {
        bytes(py, || points::reduce_wide(wide))
    }

    #[pyfunction]
    fn valid_ed25519_key(key: &[u8]) -> bool {
        points::is_valid_ed25519_key(key)
    }

    #[pyfunction]
    fn session_id<'py>(py: Python<'py>, tag: &[u8]) -> Bytes<'py> {
        bytes(py, || Ok(sponge::session_id(tag)))
    }

    #[pyfunction]
    fn prove<'py>(
        py: Python<'py>,
        header: &[u8],
        elements: &[u8],
        tag: &[u8],
        witness: &[u8],
        known: Vec<(usize, Vec<(usize, PyBackedBytes)>)>,
    ) -> Bytes<'py> {
        bytes(py, || crate::prove::prove(&*Relation::of(header)?, elements, tag, witness, &known))
    }

    #[pyfunction]
    fn verify(py: Python<'_>, header: &[u8], elements: &[u8], tag: &[u8], proof: &[u8]) -> PyResult<bool> {
        Ok(py.detach(|| Relation::of(header).map(|relation| crate::verify::verify(&relation, elements, tag, proof)))?)
    }

    #[pyfunction]
    fn verify_batch(
        py: Python<'_>,
        header: &[u8],
        shared: &[u8],
        elements: &[u8],
        tags: &[u8],
        proofs: &[u8],
        count: isize,
    ) -> PyResult<Vec<usize>> {
        Ok(py.detach(|| {
            let count = natural("count", count)?;
            let batch = Batch { shared, elements, tags, proofs, count };
            Outcome::Ok(batch::verify_batch(&*Relation::of(header)?, &batch)?.rejected)
        })?)
    }

    #[pyfunction]
    fn verify_and_sum<'py>(
        py: Python<'py>,
        header: &[u8],
        shared: &[u8],
        elements: &[u8],
        tags: &[u8],
        proofs: &[u8],
        count: isize,
    ) -> PyResult<(Vec<usize>, Bound<'py, PyBytes>)> {
        let (rejected, sums) = py.detach(|| {
            let count = natural("count", count)?;
            let batch = Batch { shared, elements, tags, proofs, count };
            let verified = batch::verify_batch(&*Relation::of(header)?, &batch)?;
            Outcome::Ok((verified.rejected, points::encode_all(&verified.sums)))
        })?;
        Ok((rejected, PyBytes::new(py, &sums)))
    }

    /// (pieces: a text, or the number of bytes of a value; omitted pieces; buffers of values, -1 being the digest)
    type WrittenForm = (Vec<WrittenPiece>, (usize, usize), Vec<Vec<isize>>);

    /// The places of the entries of one form, and its buffers.
    type Found<'py> = (Vec<usize>, Vec<Bound<'py, PyBytes>>);

    #[derive(FromPyObject)]
    enum WrittenPiece {
        Value(usize),
        Text(PyBackedBytes),
    }

    fn form((pieces, (start, end), buffers): &WrittenForm) -> Form {
        let piece = |piece: &WrittenPiece| match piece {
            WrittenPiece::Value(length) => Piece::Value(*length),
            WrittenPiece::Text(text) => Piece::Text(text.to_vec()),
        };
        let output = |number: &isize| usize::try_from(*number).map_or(Output::Digest, Output::Value);
        Form {
            pieces: pieces.iter().map(piece).collect(),
            omitted: *start..*end,
            buffers: buffers.iter().map(|outputs| outputs.iter().map(output).collect()).collect(),
        }
    }

    #[pyfunction]
    fn read_forms<'py>(
        py: Python<'py>,
        bundles: Vec<PyBackedBytes>,
        forms: Vec<WrittenForm>,
    ) -> PyResult<Vec<Found<'py>>> {
        let read = py.detach(|| {
            let bundles: Vec<&[u8]> = bundles.iter().map(|bundle| &bundle[..]).collect();
            forms::read_forms(&bundles, &forms.iter().map(form).collect::<Vec<Form>>())
        })?;
        let hand_over =
            |read: forms::Read| (read.places, read.buffers.iter().map(|buffer| PyBytes::new(py, buffer)).collect());
        Ok(read.into_iter().map(hand_over).collect())
    }

    #[pyfunction]
    fn sort_records<'py>(py: Python<'py>, records: &[u8], width: isize) -> Bytes<'py> {
        bytes(py, || crate::records::sort_records(records, natural("width", width)?))
    }

    #[pyfunction]
    fn repeated_records<'py>(py: Python<'py>, records: &[u8], width: isize) -> Bytes<'py> {
        bytes(py, || crate::records::repeated_records(records, natural("width", width)?))
    }

    #[pyfunction]
    fn cut_records<'py>(py: Python<'py>, records: &[u8], width: isize, first: isize, length: isize) -> Bytes<'py> {
        let of = |name, number| natural(name, number);
        bytes(py, || {
            crate::records::cut_records(records, of("width", width)?, of("first", first)?, of("length", length)?)
        })
    }

    #[pyfunction]
    fn operations() -> Vec<(&'static str, u64)> {
        crate::operations::all().to_vec()
    }

    #[pyfunction]
    fn hash_leaves<'py>(py: Python<'py>, bundle: &[u8]) -> Bytes<'py> {
        bytes(py, || merkle::hash_leaves(bundle))
    }

    #[pyfunction]
    fn merkle_root<'py>(py: Python<'py>, hashes: &[u8]) -> Bytes<'py> {
        bytes(py, || merkle::merkle_root(hashes))
    }
}
