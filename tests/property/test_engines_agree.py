"""Both engines give the same answer to every question about points, scalars, logarithms, keys and hashes.

Proofs have a file of their own, `test_engines_agree_on_proofs`.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.engines import (
    IDENTITY,
    L,
    P,
    agreed,
    any_points,
    any_scalars,
    concatenated,
    few,
    good_points,
    le,
    many,
    multiple,
    native,
    other_encodings,
    ragged,
    reference,
)

INTERFACE = {
    "points and scalars": ("invalid_points", "invalid_scalars", "add", "subtract", "multiply", "scalar_reduce"),
    "fixed bases and sums": (
        "multiply_base",
        "multiply_fixed",
        "multi_scalar_multiply",
        "sum_columns",
        "discrete_logs",
    ),
    "proofs": ("session_id", "prove", "verify", "verify_batch", "verify_and_sum"),
    "entries and records": ("read_forms", "sort_records", "repeated_records", "cut_records"),
    "hashes and keys": ("hash_leaves", "merkle_root", "valid_ed25519_key"),
}


@pytest.mark.parametrize("subject", INTERFACE)
def test_both_engines_export_the_whole_interface(subject: str) -> None:
    assert (reference.NAME, native.NAME) == ("reference", "native")
    assert isinstance(reference.VERSION, str)
    assert isinstance(native.VERSION, str)
    for name in INTERFACE[subject]:
        assert callable(getattr(reference, name)), name
        assert callable(getattr(native, name)), name


@many
@given(st.one_of(concatenated(st.one_of(good_points, other_encodings)), ragged))
def test_the_same_points_are_invalid(points: bytes) -> None:
    agreed("invalid_points", points)


@many
@given(st.one_of(any_scalars, ragged))
def test_the_same_scalars_are_invalid(scalars: bytes) -> None:
    agreed("invalid_scalars", scalars)


def agreed_on_pairs(operation: str, a: bytes, b: bytes) -> None:
    """As they are, and cut to the same length."""
    shorter = min(len(a), len(b))
    agreed(operation, a, b)
    agreed(operation, a[:shorter], b[:shorter])


@many
@given(a=any_points, b=any_points)
def test_sums_and_differences_are_the_same(a: bytes, b: bytes) -> None:
    for operation in ("add", "subtract"):
        agreed_on_pairs(operation, a, b)


def test_a_difference_may_be_the_identity() -> None:
    assert agreed("subtract", multiple(5), multiple(5)) == IDENTITY
    assert agreed("add", multiple(5), multiple(L - 5)) == IDENTITY
    assert agreed("add", multiple(5), IDENTITY) == multiple(5)


@few
@given(scalars=any_scalars, points=any_points)
def test_products_are_the_same(scalars: bytes, points: bytes) -> None:
    for operation in ("multiply", "multi_scalar_multiply"):
        agreed_on_pairs(operation, scalars, points)


@few
@given(base=st.one_of(good_points, other_encodings, ragged), scalars=any_scalars, times=st.sampled_from([1, 1, 1, 8]))
def test_fixed_base_products_are_the_same(base: bytes, scalars: bytes, times: int) -> None:
    agreed("multiply_fixed", base, scalars * times)
    agreed("multiply_base", scalars)


@few
@given(points=st.one_of(concatenated(st.one_of(good_points, st.just(IDENTITY)), maximum=12), any_points), wide=ragged)
def test_column_sums_are_the_same(points: bytes, wide: bytes) -> None:
    for columns in range(-1, 5):
        agreed("sum_columns", points, columns)
    agreed("sum_columns", wide, 1)


@many
@given(st.one_of(concatenated(st.binary(min_size=64, max_size=64)), ragged))
def test_wide_integers_are_reduced_alike(wide: bytes) -> None:
    agreed("scalar_reduce", wide)


@few
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(-1, 3000)), max_size=6), st.integers(0, 10**5))
def test_the_same_logarithms_are_found(pairs: list[tuple[int, int]], large: int) -> None:
    points = b"".join(multiple(exponent) for exponent, _ in pairs)
    found = agreed("discrete_logs", points, [bound for _, bound in pairs])
    if all(bound >= 0 for _, bound in pairs):
        assert found == [x if x <= bound else None for x, bound in pairs]
    assert agreed("discrete_logs", multiple(large), [large]) == [large]
    assert agreed("discrete_logs", multiple(large + 1), [large]) == [None]
    agreed("discrete_logs", points, [7])


TORSION = [
    bytes(32),
    le(1),
    le(P - 1),
    le(P),
    le(P + 1),
    le(1 | 1 << 255),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]


@many
@given(st.one_of(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.sampled_from(TORSION)))
def test_the_same_ed25519_keys_are_valid(key: bytes) -> None:
    agreed("valid_ed25519_key", key)


def test_an_ed25519_key_is_valid_and_points_of_small_order_are_not() -> None:
    base_point = le(4 * pow(5, -1, P) % P)
    assert agreed("valid_ed25519_key", base_point) is True
    assert [agreed("valid_ed25519_key", key) for key in TORSION] == [False] * len(TORSION)


@many
@given(st.binary(max_size=400))
def test_session_ids_are_the_same(tag: bytes) -> None:
    agreed("session_id", tag)


@many
@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(0, 40), ragged)
def test_merkle_hashes_are_the_same(entries: list[bytes], cut: int, garbage: bytes) -> None:
    bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
    leaves = agreed("hash_leaves", bundle)
    assert len(leaves) == 32 * len(entries)
    for size in {0, len(entries), cut % (len(entries) + 1)}:
        agreed("merkle_root", leaves[: 32 * size])
    for malformed in (bundle[: len(bundle) - cut], garbage):
        agreed("hash_leaves", malformed)
    agreed("merkle_root", garbage)


@many
@given(st.binary(max_size=120), st.integers(-1, 9), st.integers(-1, 9), st.integers(-1, 9))
def test_records_are_sorted_found_twice_and_cut_the_same(records: bytes, width: int, first: int, length: int) -> None:
    agreed("sort_records", records, width)
    agreed("repeated_records", records, width)
    agreed("cut_records", records, width, first, length)


FORM = ((b"a=", 5, b",b=", 2, b"."), (2, 4), ((1, 0), (-1,)))
spelled = st.tuples(
    st.text("AQgwZz09-_+/=", min_size=7, max_size=7), st.text("AQgwZz09-_+/=", min_size=3, max_size=3)
).map(lambda values: f"a={values[0]},b={values[1]}.".encode())


@many
@given(st.lists(st.one_of(spelled, st.binary(max_size=20)), max_size=12), ragged)
def test_entries_of_a_form_are_read_the_same(entries: list[bytes], garbage: bytes) -> None:
    bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
    other = ((b"a=", 5, b",b=", 2, b"."), (0, 0), ((0,),))
    ((places, _), (none, _)) = agreed("read_forms", [bundle, bundle], [FORM, other])
    assert len(places) % 2 == 0
    assert none == []
    agreed("read_forms", [bundle, garbage], [FORM])


@pytest.mark.parametrize("form", [((b"a",), (0, 2), ()), ((b"a",), (0, 0), ((0,),)), ((3,), (1, 0), ())])
def test_a_form_that_speaks_of_what_it_has_not_is_refused(form: object) -> None:
    assert agreed("read_forms", [], [form]) == "refused"
