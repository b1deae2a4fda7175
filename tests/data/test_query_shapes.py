"""A statement of the server's list is shown without what people wrote into it."""

from __future__ import annotations

import pytest

from traintui.data.query_labels import comment_of, said_in
from traintui.data.query_shapes import statement_without_values


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT *\n FROM a WHERE name = 'O''Hara' AND x >= -12.5", "SELECT * FROM a WHERE name = '?' AND x >= ?"),
        ("SELECT $1, a1 FROM t2 WHERE b = 'cut off in the mid", "SELECT $1, a1 FROM t2 WHERE b = '?'"),
        ("SELECT $$it's$$, $t$a$$b$t$, 5", "SELECT '?', '?', ?"),
        ("SELECT 'a -- b', 'c' -- don't\n, 'd'", "SELECT '?', '?' , '?'"),
        (r"""SELECT "it's" WHERE b = E'a\'b' /* 'x' */ AND c = 3""", """SELECT "it's" WHERE b = '?' AND c = ?"""),
    ],
)  # fmt: skip
def test_texts_and_numbers_are_left_out_and_names_stay(statement: str, shown: str) -> None:
    assert statement_without_values(statement) == shown


def test_a_label_goes_to_the_server_before_the_statement_and_is_found_there() -> None:
    assert said_in(comment_of("reviews.decide") + "SELECT 1") == ("reviews.decide", "SELECT 1")
    assert said_in("/* by hand: */ SELECT 1") == (None, "/* by hand: */ SELECT 1")
    assert comment_of("a*/ DROP %s") == "/* a___DROP__s */ "
