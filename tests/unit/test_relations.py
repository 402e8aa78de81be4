"""Declarations compile exactly as the draft's section "Specifying the relation" says (its own worked examples)."""

from pathlib import Path

import pytest

from retally_crypto.contests import BALLOT
from retally_crypto.credentials import CREDENTIAL_PART
from retally_crypto.guardians import GUARDIAN_COMMITMENT
from retally_crypto.relations import ORDER, Template, compile_relation, tag
from retally_crypto.tally import PARTIAL_DECRYPTION

Image = list[tuple[int, int]]
Terms = list[tuple[int, int, int]]


def serialised(*equations: tuple[Image, Terms]) -> bytes:
    """SerializeLinearRelation without elements, written from the draft's procedure."""
    out = len(equations).to_bytes(4, "little")
    for image, terms in equations:
        out += len(image).to_bytes(4, "little")
        for element, coefficient in image:
            out += element.to_bytes(4, "little") + (coefficient % ORDER).to_bytes(32, "little")
        out += len(terms).to_bytes(4, "little")
        for scalar, element, coefficient in terms:
            out += scalar.to_bytes(4, "little") + element.to_bytes(4, "little")
            out += (coefficient % ORDER).to_bytes(32, "little")
    return out


def relation(head: str, witness: str, *equations: str) -> str:
    return f"Relation {head}:\n  Witness: {witness}\n  Equations:\n" + "".join(f"    {line}\n" for line in equations)


DRAFT_EXAMPLES = [
    pytest.param(
        relation("ChaumPedersen(H, X, Y)", "x", "X = x * G", "Y = x * H"),
        {},
        ("H", "X", "Y"),
        [([(2, 1)], [(0, 0, 1)]), ([(3, 1)], [(0, 1, 1)])],
        id="ChaumPedersen",
    ),
    pytest.param(
        relation("PedersenOpening(H, C)", "m, r", "C = m * G + r * H"),
        {},
        ("H", "C"),
        [([(2, 1)], [(0, 0, 1), (1, 1, 1)])],
        id="PedersenOpening",
    ),
    pytest.param(
        relation("OpensTo(m, H, C)", "r", "C = m * G + r * H"),
        {"m": 42},
        ("H", "C"),
        [([(2, 1), (0, -42)], [(0, 1, 1)])],
        id="OpensTo",
    ),
    pytest.param(
        relation("ElGamalDecryption(X, E0, E1, M)", "x", "X = x * G", "M = x * E0 - E1"),
        {},
        ("X", "E0", "E1", "M"),
        [([(1, 1)], [(0, 0, 1)]), ([(4, 1), (3, 1)], [(0, 2, 1)])],
        id="ElGamalDecryption",
    ),
    pytest.param(
        relation("AggregateEncryption(X1, X2, M, E0, E1)", "r", "E0 = r * G", "M + E1 = r * (X1 + X2)"),
        {},
        ("X1", "X2", "M", "E0", "E1"),
        [([(4, 1)], [(0, 0, 1)]), ([(3, 1), (5, 1)], [(0, 1, 1), (0, 2, 1)])],
        id="AggregateEncryption",
    ),
    pytest.param(
        relation("Bit(H, C)", "b, r, s", "C = b * G + r * H", "C = b * C + s * H"),
        {},
        ("H", "C"),
        [([(2, 1)], [(0, 0, 1), (1, 1, 1)]), ([(2, 1)], [(0, 2, 1), (2, 1, 1)])],
        id="Bit",
    ),
]


@pytest.mark.parametrize(("text", "values", "elements", "equations"), DRAFT_EXAMPLES)
def test_the_examples_of_the_draft_compile_as_the_draft_says(
    text: str, values: dict[str, int], elements: tuple[str, ...], equations: list[tuple[Image, Terms]]
) -> None:
    template = compile_relation(text, **values)
    assert template.elements == elements
    assert template.header == serialised(*equations)
    assert template.equations == len(equations)


def test_the_two_spellings_of_a_decryption_compile_to_the_same_bytes() -> None:
    crossed = compile_relation(relation("D(X, E0, E1, M)", "x", "X = x*G", "M = x*E0 - E1"))
    plain = compile_relation(relation("D(X, E0, E1, M)", "x", "X = x*G", "M + E1 = x*E0"))
    assert crossed.header == plain.header


def test_coefficients_distribute_over_parentheses() -> None:
    template = compile_relation(relation("R(X1, X2, Y)", "r", "Y = 2 * r * (X1 - X2)"))
    assert template.header == serialised(([(3, 1)], [(0, 1, 2), (0, 2, -2)]))


def test_a_secret_term_on_the_left_crosses_to_the_right_side() -> None:
    template = compile_relation(relation("R(X, Y)", "r, t", "Y - t*X = r*G"))
    assert template.header == serialised(([(2, 1)], [(1, 1, 1), (0, 0, 1)]))


def test_a_leading_minus_negates_the_first_term() -> None:
    template = compile_relation(relation("R(X, Y)", "r", "Y = -r*X"))
    assert template.header == serialised(([(2, 1)], [(0, 1, -1)]))


def test_the_ballot_relation_lists_families_line_by_line() -> None:
    template = compile_relation(BALLOT + "    1*B_1 + 2*B_2 - 3*G = 1*r_1*K + 2*r_2*K\n", n=2)
    assert template.elements == ("K", "C", "A_1", "B_1", "A_2", "B_2")
    assert template.scalars == ("c", "b_1", "r_1", "s_1", "b_2", "r_2", "s_2")
    assert template.header == serialised(
        ([(2, 1)], [(0, 0, 1)]),
        ([(3, 1)], [(2, 0, 1)]),
        ([(5, 1)], [(5, 0, 1)]),
        ([(4, 1)], [(1, 0, 1), (2, 1, 1)]),
        ([(6, 1)], [(4, 0, 1), (5, 1, 1)]),
        ([(3, 1)], [(1, 3, 1), (3, 0, 1)]),
        ([(5, 1)], [(4, 5, 1), (6, 0, 1)]),
        ([(4, 1)], [(1, 4, 1), (3, 1, 1)]),
        ([(6, 1)], [(4, 6, 1), (6, 1, 1)]),
        ([(4, 1), (6, 2), (0, -3)], [(2, 1, 1), (5, 1, 2)]),
    )
    assert template.proof_length == 32 * (10 + 7)


def test_the_guardians_relations_compile() -> None:
    commitment = compile_relation(GUARDIAN_COMMITMENT, k=3)
    assert commitment.elements == ("F_0", "F_1", "F_2")
    assert commitment.header == serialised(*(([(j + 1, 1)], [(j, 0, 1)]) for j in range(3)))
    decryption = compile_relation(PARTIAL_DECRYPTION, m=2)
    assert decryption.elements == ("S", "A_1", "M_1", "A_2", "M_2")
    assert decryption.header == serialised(([(1, 1)], [(0, 0, 1)]), ([(3, 1)], [(0, 2, 1)]), ([(5, 1)], [(0, 4, 1)]))


@pytest.mark.parametrize(
    ("page", "declaration"),
    [
        ("2-proofs.md", GUARDIAN_COMMITMENT),
        ("2-proofs.md", PARTIAL_DECRYPTION),
        ("2-proofs.md", CREDENTIAL_PART),
        ("6-ballot.md", BALLOT),
    ],
    ids=["GuardianCommitment", "PartialDecryption", "CredentialPart", "Ballot"],
)
def test_the_code_declares_what_the_specification_declares(page: str, declaration: str) -> None:
    specified = (Path(__file__).resolve().parents[2] / "docs" / "spec" / page).read_text(encoding="utf-8")
    assert "".join(f"    {line}\n" for line in declaration.strip().splitlines()) in specified


def test_a_partial_decryption_of_nothing_is_its_first_equation_alone() -> None:
    template = compile_relation(PARTIAL_DECRYPTION, m=0)
    assert template.header == serialised(([(1, 1)], [(0, 0, 1)]))
    assert template.header == compile_relation(CREDENTIAL_PART).header


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (relation("R(X)", "x, y", "X = x*y*G"), "two secret scalars"),
        (relation("R(X, Y)", "x", "X = x*Y*G"), "two group elements"),
        (relation("R(X)", "x", "X = x*Z"), "undeclared name: 'Z'"),
        (relation("R(X, Y)", "x", "X = x*G"), "not used: Y"),
        (relation("R(X)", "x, y", "X = x*G"), "not used: y"),
        (relation("R(X, X)", "x", "X = x*G"), "a name twice"),
        (relation("R(G, X)", "x", "X = x*G"), "G is declared"),
        (relation("R(X)", "x", "X = G"), "a public and a secret side"),
        (relation("R(X)", "x", "x*X = x*G"), "a public and a secret side"),
        (relation("R(X)", "x", "X = x*G + 3"), "without a group element"),
        (relation("R(m, X)", "x", "X = x*G + m*G"), "no value for the public scalar m"),
        (relation("R(X)", "x", "X = x*(G"), "not closed"),
        (relation("R(X)", "x", "X = x*G)"), "unexpected"),
        (relation("R(X)", "x", "X = x*G = x*G"), "not an equation"),
        (relation("R(X)", "x", "X = x/G"), "unexpected character"),
        (relation("R(X)", "x"), "no equation"),
        (relation("R(X_1, ..., Y_n)", "x", "X_1 = x*G"), "do not match"),
        (relation("R(X_1, ..., X_n)", "x", "X_j = x*G  for j = 1..n"), "no value for the size n"),
        ("R(X): X = x*G", "not a relation declaration"),
    ],
)
def test_a_declaration_that_is_no_valid_relation_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint.replace("*", r"\*")):
        compile_relation(text)


def test_a_tag_binds_the_relation_and_every_byte_of_its_context() -> None:
    assert tag("GuardianCommitment", bytes(31) + b"\xab", b"\x02\0\0\0") == (
        b"RETALLY-V01-GuardianCommitment-" + b"00" * 31 + b"ab02000000-DSFS-with-sigma-proofs_Shake128_Ristretto255"
    )


def test_compiling_twice_gives_the_same_template_object() -> None:
    first: Template = compile_relation(GUARDIAN_COMMITMENT, k=2)
    assert compile_relation(GUARDIAN_COMMITMENT, k=2) is first
