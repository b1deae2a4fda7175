"""What is looked for in a conversation: what somebody types there, and what the filter of the table asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from traintui.quality.words import inflections

LONGEST = 200
"""Characters that are looked for."""
_BETWEEN_WORDS = r"[^\w\n]{1,8}"


def typed(words: str) -> re.Pattern[str] | None:
    """What a person types: found as it stands, whatever the case and however long the blanks. None for nothing."""
    words = words[:LONGEST].strip()
    if not words:
        return None
    return re.compile(r"\s+".join(re.escape(part) for part in words.split()), re.IGNORECASE)


def filtered(texts: Sequence[str]) -> re.Pattern[str] | None:
    """What a filter looks for: each text is words that stand beside each other, in any of their forms, and an asterisk
    at its end leaves the last word open. None for nothing."""
    patterns = []
    for asked in texts:
        open_end = asked.rstrip().endswith("*")
        words = re.findall(r"\w+", asked)
        if not words:
            if bare := asked.strip():  # signs, such as a percent sign
                patterns.append(re.escape(bare))
            continue
        forms = [inflections(word) for word in words]
        if open_end:
            forms[-1] = re.escape(words[-1]) + r"\w*"
        patterns.append(r"\b" + _BETWEEN_WORDS.join(rf"(?:{form})\b" for form in forms))
    return re.compile("|".join(patterns), re.IGNORECASE) if patterns else None
