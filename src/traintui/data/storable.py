"""Text and JSON as PostgreSQL can hold them: without NUL, and without halves of surrogate pairs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, overload

REFUSED = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")


@overload
def storable(text: str) -> str: ...
@overload
def storable(text: None) -> None: ...
def storable(text: str | None) -> str | None:
    """The text, with U+FFFD for each character that PostgreSQL refuses."""
    return None if text is None else REFUSED.sub(REPLACEMENT, text)


def as_json(value: Any) -> str:
    """A value as JSON text that a JSONB column takes."""
    text = json.dumps(value)
    return json.dumps(cleaned(value)) if ESCAPED.search(text) else text


def cleaned(value: Any) -> Any:
    """A JSON value with every text in it storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in value]
    return value
