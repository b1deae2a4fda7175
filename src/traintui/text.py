"""The one gate from stored text to the screen, and how figures are written everywhere.

Stored text comes from documents, models and people. On its way to a terminal it is data: never markup, never an escape
sequence, never a character that reorders or hides what stands beside it. What a terminal would act on becomes a sign.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from textual.content import Content

from traintui import clock

# C0 without line feed and tab, DEL and C1; soft hyphen; marks, embeddings, overrides and isolates of bidirectional
# text; zero-width characters and joiners; separators; interlinear annotation; lone surrogates; tags.
ACTED_ON = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)
# Joiners that writing needs: between letters of Arabic and Indic scripts, and between emoji. They say nothing that the
# signs beside them do not, and terminals differ in what they make of them.
_JOINERS = re.compile(
    "(?<=[\u0600-\u08ff\u0900-\u0dff\ufb50-\ufdcf\ufe70-\ufefc])[\u200c\u200d](?=[\u0600-\u08ff\u0900-\u0dff])"
    "|(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])"
)
NOTHING = "—"
"""What stands where there is no value."""

_BLANKS = re.compile(r"[ \t\n]+")
_TAB = "    "


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def visible(text: str, *, single_line: bool = False, limit: int | None = None) -> str:
    """`text` with everything that a terminal would act on made visible; for segments of the line API.

    The joiners that a script or an emoji is written with are left out. Line feeds stay and tabs become four blanks;
    with `single_line` each run of blanks becomes one. `limit` is the most characters of `text` that are shown; an
    ellipsis says that there were more.
    """
    if limit is not None:
        # A run of blanks can be long, so some more is read than will be shown.
        text, cut = text[: limit * 4], len(text) > limit * 4
    else:
        cut = False
    if single_line:
        text = _BLANKS.sub(" ", text).strip(" ")
    if limit is not None and (cut or len(text) > limit):
        text = text[: max(0, limit - 1)].rstrip() + "…"
    if text.isascii() and text.isprintable():  # most of it: a megabyte of a payload in milliseconds
        return text
    return ACTED_ON.sub(_sign, _JOINERS.sub("", text)).replace("\t", _TAB)


def shown(text: str | None, *, single_line: bool = False, limit: int | None = None, style: str = "") -> Content:
    """Stored text as a widget may show it: `visible`, and never read as markup. None is nothing."""
    plain = visible(text or "", single_line=single_line, limit=limit)
    return Content.styled(plain, style) if style else Content(plain)


_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def for_clipboard(stored: str) -> str:
    """Stored text as it may be pasted anywhere, a terminal included: line feeds and tabs stay, and so do the joiners
    that scripts and emoji are written with. What acts without being seen is left out."""
    return _UNSEEN.sub("", stored.replace("\r\n", "\n").replace("\r", "\n"))


# Figures ------------------------------------------------------------------------------------------------------------


def count(number: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 turn`, `1,204 turns`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ago(when: datetime) -> str:
    """How long ago, in at most four characters up to four weeks; then the day."""
    seconds = (clock.now() - when).total_seconds()
    if seconds < 5:
        return "now"
    for size, unit in ((60, "s"), (60, "m"), (24, "h"), (7, "d"), (4, "w")):
        if seconds < size:
            return f"{int(seconds)}{unit}"
        seconds /= size
    return f"{when.astimezone():%Y-%m-%d}"


def moment(when: datetime) -> str:
    """A point in time in the person's own zone, to the minute."""
    return f"{when.astimezone():%Y-%m-%d %H:%M}"


def second(when: datetime) -> str:
    """A point in time in the person's own zone, to the second."""
    return f"{when.astimezone():%Y-%m-%d %H:%M:%S}"


def score(value: Decimal | float | None) -> str:
    """A quality score of 0 to 10 with one decimal; a dash where there is none."""
    return NOTHING if value is None else f"{value:.1f}"


def bar(value: float, most: float, width: int) -> tuple[str, str]:
    """A bar of `width` cells, as full as `value` is of `most` to half a cell: its full part, and its empty part."""
    share = min(1.0, max(0.0, value / most)) if most > 0 else 0.0
    full, half = divmod(round(share * width * 2), 2)
    return "━" * full + "╸" * half, "━" * (width - full - half)


def usd(amount: Decimal | None, *, estimate: bool = False, unpriced: int = 0) -> str:
    """Money in USD. What has no known price is called unknown, and is never nothing.

    `unpriced` says how many calls are not in `amount` because no price is known for them.
    """
    if amount is None or (unpriced and not amount):
        return "unknown"
    if amount and abs(amount) < Decimal("0.01"):
        written = f"${amount:.4f}" if abs(amount) >= Decimal("0.0001") else "<$0.0001"
    else:
        written = f"${amount:,.2f}"
    return ("~" if estimate else "") + written + (f" + {plural(unpriced, 'call')} unknown" if unpriced else "")


def plain(amount: Decimal | None) -> str:
    """A figure as it is typed: no zeros behind it, nothing where there is none."""
    return "" if amount is None else f"{amount.normalize():f}"


def tokens(number: int | None) -> str:
    """A number of tokens in few characters; unknown where it is not known."""
    if number is None:
        return "unknown"
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            short = number / size
            return f"{short:.0f}{unit}" if short >= 100 else f"{short:.1f}{unit}"
    return str(number)


def duration(milliseconds: float | None) -> str:
    """A time span: `850 ms`, `12.4 s`, `3 min 05 s`, `2 h 10 min`; unknown where it is not known."""
    if milliseconds is None:
        return "unknown"
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1_000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def size(number: int) -> str:
    """A number of bytes: `512 B`, `1.4 MB`."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1_000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1_000
    return f"{value:.1f} TB"
