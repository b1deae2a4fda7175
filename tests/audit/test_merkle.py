"""The tree is the one of RFC 6962: as its vectors say, and as its recursive definition gives."""

from __future__ import annotations

from hashlib import sha256

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from support import Conninfo
from traintui.audit.merkle import merkle_root
from traintui.data.embedded import SUPERUSER

LEAVES = [
    b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Those of the reference implementation of Certificate Transparency, for the first 0 to 8 leaves."""


def defined(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + defined(leaves[:split]) + defined(leaves[split:])).digest()


def test_the_roots_are_those_of_certificate_transparency() -> None:
    assert [merkle_root(LEAVES[:number]).hex() for number in range(9)] == ROOTS


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_pairs_level_by_level_give_the_tree_of_the_definition(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == defined(leaves)


def test_the_database_gives_the_same_roots(conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for number in (*range(9), 33):
            leaves = [sha256(bytes([each])).digest() for each in range(number)]
            row = connection.execute("SELECT merkle_root(%s::bytea[])", [leaves]).fetchone()
            assert row is not None and bytes(row[0]) == defined(leaves)
