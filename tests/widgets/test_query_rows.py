"""A slow statement is told with what is known of it, and nothing that is not."""

from __future__ import annotations

from datetime import UTC, datetime

from traintui.data.query_records import SlowQuery
from traintui.widgets.query_rows import slow_lines


def said(error: str | None) -> str:
    """The lines of a slow statement that failed so."""
    asked = {"id": "c-1", "reason": None, "turn_number": None, "flag": False}
    at = datetime(2026, 11, 29, 12, tzinfo=UTC)
    each = SlowQuery(1, at, "review.decide", "rita", 900_000, None, error, "SELECT 1", asked, None)
    return "\n".join(line.plain for line in slow_lines(each))


def test_a_slow_statement_names_the_values_that_it_has() -> None:
    assert said(None).endswith("\nid=c-1 flag=False") and "took" not in said(None)


def test_a_failure_that_says_nothing_is_one_that_was_given_up() -> None:
    assert "took too long or was cancelled" in said("")
    assert "\ndeadlock detected" in said("deadlock detected") and "cancelled" not in said("deadlock detected")
