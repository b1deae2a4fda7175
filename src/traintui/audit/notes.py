"""What people write beside a decision, before it is kept anywhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

LONGEST = 500
"""Characters of a note or a reason that the log keeps."""
_SIGN = re.compile(r"[@:=\"'\\]|%40|\S{14}|\d(?:.{0,5}\d){3}", re.DOTALL)
"""Every secret and everything of a person has one of these. Most notes have none, and then the numbering plans need
not be loaded, which takes a fifth of a second."""

_TOKEN = re.compile(r"\[(secret|e-mail|phone|card|IBAN|national id|IP address) \d+\]")


def taken_out(*said: str | None) -> Mapping[str, int]:
    """How often each kind was taken out of notes, reasons or errors as they are kept: their tokens say so, by the names
    that stand in them. One that somebody typed cannot be told from those."""
    return Counter(found[1] for each in said if each for found in _TOKEN.finditer(each))


def redacted_note(said: str | None) -> str | None:
    """A note or a reason with tokens in place of secrets and personal data, as long as the log keeps it: where tokens
    made it longer than that, its end is left out."""
    if said is None or not _SIGN.search(said):
        return said
    from traintui.audit.redaction import redact_text

    found = redact_text(said).value
    return found if len(found) <= max(LONGEST, len(said)) else f"{found[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
