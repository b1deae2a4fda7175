"""A source is read in a narrow column: without the signs of Markdown, and with the marks where they were."""

from __future__ import annotations

from textual.content import Content

from traintui import text
from traintui.widgets.grounds import DRAWN_HERE, marked
from traintui.widgets.source_text import readable

SOURCE = """## Cards

Two **kinds** of it:

- Savings
- Checking, monthly\\*

| Service | Fee |
|---|---|
| Joining | $5 |
| Closing an account | none |

### Later
"""


def lines(source: str, heading: str | None = None) -> list[str]:
    return readable(text.shown(source), heading).plain.split("\n")


def test_headings_lists_and_tables_are_read_without_their_signs() -> None:
    assert lines(SOURCE) == [
        "Cards", "", "Two kinds of it:", "", "• Savings", "• Checking, monthly*", "",
        "Service │ Fee", "• Joining │ $5", "• Closing an account │ none", "", "Later", "",
    ]  # fmt: skip


def test_a_heading_that_stands_above_already_is_not_said_twice() -> None:
    assert lines(SOURCE, "Cards")[0] == "Two kinds of it:"
    assert lines(SOURCE, "Accounts > Cards")[0] == "Two kinds of it:"
    assert lines(SOURCE, "Accounts")[0] == "Cards"


def test_what_an_answer_draws_on_stays_marked() -> None:
    row = "| Closing an account | none |"
    begin = SOURCE.index(row)
    shown: Content = readable(marked(SOURCE, {1: ((begin, begin + len(row)),)}, 1), "Cards")
    found = [shown.plain[span.start : span.end] for span in shown.spans if span.style == DRAWN_HERE]
    assert found[0].startswith("Closing") and found[-1].endswith("none")


def test_what_only_looks_like_a_table_stays_as_it_is() -> None:
    assert lines("a | b\n#1 is first\n2 * 3 * 4\n") == ["a | b", "#1 is first", "2 * 3 * 4", ""]
