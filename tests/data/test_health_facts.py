"""What the database says about itself to somebody without special rights."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import traintui.data
from support import add_vocabulary, generated, imported
from traintui.data import health, schema
from traintui.data.engine import Database
from traintui.data.models import Base


async def test_a_reviewer_sees_every_table_with_its_rows_and_sizes(db: Database, reviewer_db: Database) -> None:
    for module in pkgutil.iter_modules(traintui.data.__path__, "traintui.data."):
        if module.name.endswith("_models"):
            importlib.import_module(module.name)
    await add_vocabulary(db)
    await generated(db, 2)
    await imported(db, 3)
    sizes = {size.name: size for size in await health.table_sizes(reviewer_db)}
    assert set(sizes) == set(Base.metadata.tables)
    rows = {name: sizes[name].rows for name in ("conversations", "conversation_turns", "generation_logs", "plans")}
    assert rows == {"conversations": 5, "conversation_turns": 10, "generation_logs": 2, "plans": 1}
    assert all(size.rows_exact and size.total_bytes >= size.table_bytes + size.index_bytes for size in sizes.values())
    assert sizes["generation_logs"].total_bytes > 0
    totals = [size.total_bytes for size in sizes.values()]
    assert totals == sorted(totals, reverse=True)


async def test_a_large_table_is_estimated_and_says_so(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "EXACT_BELOW", 0)
    sizes = await health.table_sizes(db)
    assert not any(size.rows_exact for size in sizes)


async def test_a_reviewer_sees_the_server(reviewer_db: Database) -> None:
    facts = await health.server_facts(reviewer_db)
    assert facts.schema_revision == schema.HEAD
    assert facts.database_bytes > 1_000_000 and 1 <= facts.connections <= facts.max_connections
    assert facts.cache_hit_ratio is None or 0 <= facts.cache_hit_ratio <= 1
    assert facts.started_at.tzinfo is not None and facts.version
