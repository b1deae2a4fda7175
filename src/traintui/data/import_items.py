"""Conversations of a file as lines of COPY."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from traintui.data.models import DIMENSIONS
from traintui.data.storable import as_json, storable

TEXTS = ("system_prompt", *DIMENSIONS, "quality_score", "conversation_id", "revision", "status", "document_id",
         "chunk_id", "model", "created_at")  # fmt: skip
FLAGS = ("is_seed", "is_rehearsal")
OBJECTS = ("score_parts", "kept", "decisions", "earlier")
COPY = (
    f"COPY import_items (import_id, place, line, turns, metadata, {', '.join((*TEXTS, *FLAGS, *OBJECTS))}) FROM STDIN"
).encode()
NULL = "\\N"
_FLAG = {True: "t", False: "f", None: NULL}


def lines(import_id: str, first: int, items: Sequence[Mapping[str, Any]]) -> bytes:
    """The items as `COPY` takes them, at the places from `first` on."""
    return "".join(_line(import_id, place, item) for place, item in enumerate(items, first)).encode()


def _line(import_id: str, place: int, item: Mapping[str, Any]) -> str:
    get = item.get
    fields = [
        import_id,
        str(place),
        _text(get("line")),
        _json(item["turns"]),
        _json(get("metadata") or {}),
        *(_text(get(name)) for name in TEXTS),
        *(_FLAG[get(name)] for name in FLAGS),
        *(NULL if (value := get(name)) is None else _json(value) for name in OBJECTS),
    ]
    return "\t".join(fields) + "\n"


def _text(value: Any) -> str:
    if value is None:
        return NULL
    text = storable(value) if isinstance(value, str) else str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _json(value: Any) -> str:
    """JSON has no line feed or tab of its own, only backslashes, which `COPY` reads too."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        text = as_json(value)  # half of a surrogate pair
    if "\\u0000" in text:
        text = as_json(orjson.loads(text))
    return text.replace("\\", "\\\\")
