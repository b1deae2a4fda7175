"""What stands around a number in a text: where a run of digits ends, and what the words beside it call it."""

from __future__ import annotations

import re

ESCAPE = re.compile(r"\\+(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4})")
"""A sign that JSON has escaped: in a text that holds JSON the letter of `\\n` belongs to no word."""
OTHER_SIGN = re.compile(
    r"[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\uff10-\uff19"
    r"\u00a0\u2007-\u200a\u202f\u205f\u3000\u2010\u2011\u2212\uff0b\uff0d\uff0e\uff1a\uff20]"
)
"""Arabic, Persian, Hindi, Bengali and full-width digits; spaces that keep a line together or are thin; hyphens that do
so too, and full-width signs."""
_ESCAPED = re.compile(
    r"\\+u((?:066|06f|ff1)[0-9]|096[6-9a-f]|09e[6-9a-f]|0040|ff20"
    r"|(?:00a0|200[7-9a]|202f|205f|3000|201[0-3]|2212)(?=[^\W_]|[+(\\]))",
    re.IGNORECASE,
)
"""A digit, an @ or what groups digits, as JSON within a text may escape it."""
RUN = re.compile(r"[0-9](?:[ ().\-/\u00a0\u2009\u2010-\u2013\u202f]{0,3}[0-9]){6,}")
"""Seven digits or more with nothing but blanks and signs of grouping between them."""
_USUAL = {
    "\u2010": "-", "\u2011": "-", "\u2212": "-", "\uff0b": "+", "\uff0d": "-", "\uff0e": ".", "\uff1a": ":",
    "\uff20": "@",
}  # fmt: skip
CALLED = re.compile(
    r"(?:account|order|invoice|ticket|case|tracking|parcel|reference|ref|policy|booking|transaction|claim|customer"
    r"|member|serial|ean|isbn|gtin|upc|barcode|part|item|loan|contract|meter|konto|bestellung|rechnung|commande|facture|pedido|factura)"
    r"(?:[ -]?(?:number|nummer|no|nr|num|id|code))?\W{0,3}\Z",
    re.IGNORECASE,
)
"""A name directly before a number that says that it is something else."""
_GOODS = re.compile(
    r"(?:order|tracking|parcel|serial|ean|isbn|gtin|upc|barcode|part|item|sku|imei|bestellung|commande|pedido)"
    r"(?:[ -]?(?:number|nummer|no|nr|num|id|code))?\W{0,3}\Z",
    re.IGNORECASE,
)
"""The same of something that is sold or sent."""
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
        if self._before.search(before):
            return True
        # A number in a list of JSON is not what the next text of the list says.
        listed = view.startswith(",", end) and before.rstrip().endswith(("[", ",", ":")) and view[start:end].isdigit()
        return not listed and bool(self._after.match(view[end : end + 50]))


def called_otherwise(view: str, start: int) -> bool:
    """Whether the number that starts here is said to be of an account, an order or the like."""
    return bool(CALLED.search(view[max(0, start - 30) : start]))


def is_of_goods(view: str, start: int) -> bool:
    """Whether the number that starts here is said to be of an order, a parcel or an article. Cards are called accounts
    and references too."""
    return bool(_GOODS.search(view[max(0, start - 30) : start]))


def view_of(text: str) -> str:
    """The text, equally long, with escaped signs as letters or blanks, whichever they are, and all digits as 0 to 9."""
    if not text.isascii():
        text = OTHER_SIGN.sub(_usual, text)
    return ESCAPE.sub(_plain, text) if "\\" in text else text


def unescaped(text: str) -> str:
    """The text with those signs as they are that group or make up numbers and addresses: JSON stays the same JSON."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "\\u" in text else text


def _usual(match: re.Match[str]) -> str:
    sign = match[0]
    if sign.isdecimal():
        return str(int(sign))
    return _USUAL.get(sign, " ")


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
