"""The tree of RFC 6962: its vectors, its own recursive definitions, and another's implementation agree."""

import pytest
from pymerkle import InmemoryTree

from runbooks.domain.merkle import (
    Complete,
    consistency_proof,
    folded,
    inclusion_proof,
    leaf_hash,
    root,
    root_of_inclusion,
)
from tests.audit.trees import mth, path, subproof

ENTRIES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
ENTRIES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
# The roots that Certificate Transparency's implementations are tested with, of the first 0 to 8 entries.
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
MANY = [f"entry {number}".encode() for number in range(40)]


def over(entries: list[bytes]) -> Complete:
    leaves = [leaf_hash(entry) for entry in entries]
    return lambda bits, index: folded(leaves[index << bits : (index + 1) << bits])


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_known_vectors(size: int) -> None:
    assert root(size, over(ENTRIES)).hex() == ROOTS[size] == mth(ENTRIES[:size]).hex()


def test_roots_and_proofs_are_those_of_the_rfcs_own_definitions() -> None:
    for size in range(1, len(MANY) + 1):
        assert root(size, over(MANY)) == mth(MANY[:size])
        for seq in range(size):
            assert inclusion_proof(seq=seq, size=size, complete=over(MANY)) == path(seq, MANY[:size])
        for old in range(1, size + 1):
            assert consistency_proof(old=old, new=size, complete=over(MANY)) == subproof(old, MANY[:size], True)


def test_an_inclusion_proof_leads_to_the_root_and_no_other_does() -> None:
    for size in range(1, len(MANY) + 1):
        wanted = root(size, over(MANY))
        for seq in range(size):
            proof, leaf = inclusion_proof(seq=seq, size=size, complete=over(MANY)), leaf_hash(MANY[seq])
            assert root_of_inclusion(seq=seq, size=size, leaf=leaf, proof=proof) == wanted
            assert root_of_inclusion(seq=seq, size=size, leaf=leaf_hash(b"other"), proof=proof) != wanted
            assert root_of_inclusion(seq=seq, size=size, leaf=leaf, proof=[*proof, leaf]) is None
            if proof:
                assert root_of_inclusion(seq=seq, size=size, leaf=leaf, proof=proof[1:]) != wanted
    assert root_of_inclusion(seq=5, size=5, leaf=b"", proof=[]) is None


def test_another_implementation_finds_the_same_roots_and_proofs() -> None:
    tree = InmemoryTree(algorithm="sha256")
    for size, entry in enumerate(MANY, start=1):
        tree.append_entry(entry)
        assert tree.get_root() == root(size, over(MANY))
    for seq in range(len(MANY)):
        theirs = tree.prove_inclusion(seq + 1, len(MANY)).path
        assert theirs[1:] == inclusion_proof(seq=seq, size=len(MANY), complete=over(MANY))
