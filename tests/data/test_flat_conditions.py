"""Conditions are compared by what they mean, not by their parentheses."""

from __future__ import annotations

import pytest

from traintui.data.flat_conditions import flat


@pytest.mark.parametrize(
    ("made", "restored"),
    [
        (
            "CHECK ((((a >= 1) AND (a <= 8)) AND (b ~ 'x'::text)))",
            "CHECK (((a >= 1) AND (a <= 8) AND (b ~ 'x'::text)))",
        ),
        ("WHEN ((((a IS NULL) OR (b > 1)) OR f(c)))", "WHEN (((a IS NULL) OR (b > 1) OR f(c)))"),
        ("((a = 1))", "(a = 1)"),
    ],
)
def test_a_chain_is_the_same_with_fewer_parentheses(made: str, restored: str) -> None:
    assert flat(made) == flat(restored)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("((a OR b) AND c)", "(a OR (b AND c))"),
        ("((a AND b) OR c)", "(a AND b AND c)"),
        ("(a AND NOT (b AND c))", "(a AND NOT b AND c)"),
        ("(f(a AND b) AND c)", "(f AND a AND b AND c)"),
        ("(a = '(b AND (c))')", "(a = '(b AND c)')"),
        ("CHECK ((a >= 1) AND (a <= 8))", "CHECK ((a >= 1) AND (a <= 9))"),
    ],
)
def test_what_means_something_else_stays_different(one: str, other: str) -> None:
    assert flat(one) != flat(other)
