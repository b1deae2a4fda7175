"""What a terminal would act on never passes, and figures say what they mean."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui import clock, text

HOSTILE = st.text(
    st.one_of(
        st.characters(), st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), st.sampled_from("\x1b[]\\ab\n\t")
    )
)
KEPT = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2"
"""Arabic and Syriac number signs: of the format category, and visible."""


def acted_on(character: str) -> bool:
    kind = unicodedata.category(character)
    if kind == "Cf":
        return character not in KEPT and ord(character) < 0x11000
    return kind in {"Cc", "Cs", "Zl", "Zp"} and character != "\n"


@given(HOSTILE, st.booleans(), st.one_of(st.none(), st.integers(1, 50)))
def test_nothing_that_a_terminal_would_act_on_survives(stored: str, single_line: bool, limit: int | None) -> None:
    plain = text.visible(stored, single_line=single_line, limit=limit)
    assert not any(acted_on(character) for character in plain)
    plain.encode()
    if single_line:
        assert "\n" not in plain


@given(HOSTILE)
def test_stored_text_is_never_read_as_markup(stored: str) -> None:
    content = text.shown(f"[b]{stored}[/foo][@click=app.quit]x[/]")
    assert not content.spans
    assert content.plain.startswith("[b]")
    assert content.plain.endswith("[/foo][@click=app.quit]x[/]")


def test_escapes_and_overrides_are_shown_as_signs() -> None:
    assert text.visible("\x1b]0;x\x07") == "␛]0;x␇"
    assert text.visible("a\u202eb\u200bc\x7f\x9b\ud800") == "a⟨U+202E⟩b⟨U+200B⟩c␡⟨U+009B⟩⟨U+D800⟩"
    assert text.visible("1\r\n2\t3") == "1␍\n2    3"


def test_joiners_of_scripts_and_emoji_are_no_signs_and_others_are() -> None:
    assert (
        text.visible("👩🏽\u200d💻 ❤\ufe0f\u200d🔥 \u0645\u06cc\u200c\u062e\u0648")
        == "👩🏽💻 ❤\ufe0f🔥 \u0645\u06cc\u062e\u0648"
    )
    assert text.visible("a\u200db \u200c") == "a⟨U+200D⟩b ⟨U+200C⟩"


def test_what_is_pasted_holds_no_escapes_and_keeps_its_writing() -> None:
    assert text.for_clipboard("a\x1b[31mb\x07\u202ec\r\nd\te") == "a[31mbc\nd\te"
    assert (
        text.for_clipboard("👩🏽\u200d💻 \u0645\u06cc\u200c\u062e\u0648")
        == "👩🏽\u200d💻 \u0645\u06cc\u200c\u062e\u0648"
    )


def test_a_limit_says_that_there_was_more() -> None:
    assert text.visible("abcdef", limit=4) == "abc…"
    assert text.visible("abcd", limit=4) == "abcd"
    assert text.visible("  a \n b  ", single_line=True, limit=3) == "a b"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "now"), (42, "42s"), (60, "1m"), (3 * 3600, "3h"), (2 * 86400, "2d"), (8 * 86400, "1w"), (-5, "now")],
)
def test_ages_are_short(seconds: int, written: str) -> None:
    moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
    with clock.fixed(moment):
        assert text.ago(moment - timedelta(seconds=seconds)) == written


def test_an_old_age_is_a_day() -> None:
    with clock.fixed(datetime(2026, 11, 23, 12, tzinfo=UTC)):
        assert text.ago(datetime(2026, 3, 1, 12, tzinfo=UTC)) == "2026-03-01"


def test_money_that_is_not_known_is_never_nothing() -> None:
    assert text.usd(None) == "unknown"
    assert text.usd(Decimal(0), unpriced=3) == "unknown"
    assert text.usd(Decimal("1.5"), unpriced=1) == "$1.50 + 1 call unknown"
    assert text.usd(Decimal(0)) == "$0.00"
    assert text.usd(Decimal("0.0034"), estimate=True) == "~$0.0034"
    assert text.usd(Decimal("0.00000012")) == "<$0.0001"
    assert text.usd(Decimal("1234.5")) == "$1,234.50"


def test_figures_are_written_one_way() -> None:
    assert [text.tokens(n) for n in (None, 950, 1_250, 250_000, 3_400_000)] == [
        "unknown",
        "950",
        "1.2k",
        "250k",
        "3.4M",
    ]
    assert [text.duration(n) for n in (None, 850, 12_440, 185_000, 7_800_000)] == [
        "unknown", "850 ms", "12.4 s", "3 min 05 s", "2 h 10 min",
    ]  # fmt: skip
    assert [text.size(n) for n in (512, 1_400_000, 250_000_000)] == ["512 B", "1.4 MB", "250 MB"]
    assert [text.score(n) for n in (None, Decimal("7.25"), 10)] == [text.NOTHING, "7.2", "10.0"]
    assert text.plural(1, "turn") == "1 turn" and text.plural(1204, "turn") == "1,204 turns"


@given(st.floats(-5, 15), st.integers(1, 20))
def test_a_bar_is_as_wide_as_asked(value: float, width: int) -> None:
    assert len("".join(text.bar(value, 10, width))) == width
