"""A filter as a workspace reads it: with its vocabulary and its registered metadata keys."""

from __future__ import annotations

from traintui.data import metadata, vocabulary
from traintui.data.engine import Database
from traintui.data.fields import Fields
from traintui.data.filters import Filter, parse


async def read_filter(db: Database, filter_text: str) -> Filter:
    """Reads a filter that did not come through the table, which has both at hand; it means the same.

    Raises `FilterError` with what is wrong, where, and what would be right.
    """
    if not filter_text.strip():
        return parse(filter_text)
    fields = Fields(await metadata.registered_fields(db))
    return parse(filter_text, fields=fields, values=vocabulary.by_dimension(await vocabulary.labels(db)))
