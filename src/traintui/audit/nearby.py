"""What stands around a number in a text: where a run of digits ends, and what the words beside it call it."""

from __future__ import annotations

import re

ESCAPE = re.compile(r"\\+(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4})")
"""A sign that JSON has escaped: in a text that holds JSON the letter of `\\n` belongs to no word."""
OTHER_DIGITS = re.compile(r"[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\uff10-\uff19]")
"""Arabic, Persian, Hindi, Bengali and full-width digits."""
RUN = re.compile(r"[0-9](?:[ ().\-/\u00a0\u2009\u2010-\u2013\u202f]{0,3}[0-9]){6,}")
"""Seven digits or more with nothing but blanks and signs of grouping between them."""
CALLED = re.compile(
    r"(?:account|order|invoice|ticket|case|tracking|parcel|reference|ref|policy|booking|transaction|claim|customer"
    r"|member|serial|part|item|loan|contract|meter|konto|bestellung|rechnung|commande|facture|pedido|factura)"
    r"(?:[ -]?(?:number|nummer|no|nr|num|id|code))?\W{0,3}\Z",
    re.IGNORECASE,
)
"""A name directly before a number that says that it is something else."""
_GAP_BEFORE = r"[^0-9\[\]@]{0,30}\Z"
_GAP_AFTER = r"[^0-9\[\]@.;:\n]{0,20}"


class Word:
    """A word that says what a number near it is: at most 30 signs before it, or 20 after it in the same sentence.

    No other number and no token may stand in between, so that what was redacted never makes more of its neighbours.
    """

    def __init__(self, words: str) -> None:
        self._before = re.compile(rf"(?<![^\W_])(?:{words})(?:s|['\u2019]s)?(?![^\W_]){_GAP_BEFORE}")
        self._after = re.compile(rf"{_GAP_AFTER}(?<![^\W_])(?:{words})(?![^\W_])")

    def names(self, view: str, start: int, end: int) -> bool:
        """Whether the number at [start, end) is called so."""
        before = view[max(0, start - 60) : start]
        return bool(self._before.search(before) or self._after.match(view[end : end + 50]))


def called_otherwise(view: str, start: int) -> bool:
    """Whether the number that starts here is said to be of an account, an order or the like."""
    return bool(CALLED.search(view[max(0, start - 30) : start]))


def view_of(text: str) -> str:
    """The text, equally long, with escaped signs as letters or blanks, whichever they are, and all digits as 0 to 9."""
    if not text.isascii():
        text = OTHER_DIGITS.sub(lambda digit: str(int(digit[0])), text)
    return ESCAPE.sub(_plain, text) if "\\" in text else text


def _plain(match: re.Match[str]) -> str:
    sign = match[0].lstrip("\\")
    letter = len(sign) == 5 and chr(int(sign[1:], 16)).isalpha()
    return ("a" if letter else " ") * len(match[0])


def alone(view: str, start: int, end: int) -> bool:
    """Whether what stands here is no part of something longer: a word, a decimal, a number with more groups."""
    return not (
        (start > 0 and _goes_on(view[start - 1], view[max(0, start - 2) : start - 1]))
        or (end < len(view) and _goes_on(view[end], view[end + 1 : end + 2]))
    )


def _goes_on(sign: str, beyond: str) -> bool:
    return _wordy(sign) or (sign == "-" and beyond.isalnum()) or (sign in "./" and beyond.isdigit())


def _wordy(sign: str) -> bool:
    return sign.isalnum() or sign == "_"
