"""What was done to a conversation is told in words, never in those of the database."""

from __future__ import annotations

from traintui.data.log_models import REVIEW_ACTIONS
from traintui.widgets.facts import ACTIONS
from traintui.widgets.log_rows import review_columns


def test_every_action_of_the_log_has_words_that_fit_its_column() -> None:
    assert set(ACTIONS) == set(REVIEW_ACTIONS)
    (width,) = (column.width for column in review_columns() if column.title == "Action")
    assert [said for said, _ in ACTIONS.values() if len(said) > width] == []
