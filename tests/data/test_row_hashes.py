"""The seals of the logs: each row's hash can be computed again by anybody who knows the order of the fields."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from support import Conninfo, add_vocabulary, fetch, generated, imported, said, seen, started
from traintui.data import exports, reviews
from traintui.data.engine import Database
from traintui.data.reviews import new_key

REVIEW = (
    "hash_version", "id", "conversation_id", "action", "reviewer_id", "reviewer_role", "digest reviewer_notes",
    "time timestamp", "revision", "reason", "turn_number", "undoes", "decision_key", "duration_ms", "status_before",
    "status_after", "decision_before", "bulk_id", "hex content_sha256", "json details", "xid8",
)  # fmt: skip
EXPORT = (
    "hash_version", "id", "export_id", "user_id", "conversation_count", "json filter_state", "format",
    "time exported_at", "json metadata", "state", "hex file_sha256", "digest error_message", "xid8",
)  # fmt: skip
GENERATION = (
    "hash_version", "id", "time created_at", "conversation_id", "run_id", "item_id", "fence", "attempt", "template_id",
    "template_version", "worker_id", "kind", "state", "requested_by", "sent_by", "endpoint", "is_rehearsal", "model",
    "hex request_sha256", "hex response_sha256", "json parameters", "cost_usd", "cost_is_estimate", "input_tokens",
    "output_tokens", "cache_read_tokens", "cache_write_tokens", "duration_ms", "http_status", "request_id",
    "stop_reason", "error_type", "digest error_message", "late_reply_to", "json redactions", "time finished_at", "xid8",
)  # fmt: skip
FIELDS = {"review_logs": REVIEW, "export_logs": EXPORT, "generation_logs": GENERATION}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def digest_of(*fields: str | None) -> bytes:
    """SHA-256 over fields, each behind its length in bytes."""
    written = ("-;" if field is None else f"{len(field.encode())}:{field};" for field in fields)
    return hashlib.sha256("".join(written).encode()).digest()


def field_of(row: dict[str, Any], name: str) -> str | None:
    form, _, column = name.rpartition(" ")
    value = row[column]
    if form == "digest":
        return digest_of(value).hex()
    if value is None:
        return None
    if form == "time":
        return str(round((value - EPOCH).total_seconds() * 1_000_000))
    if form == "hex":
        return bytes(value).hex()
    if form == "json":  # as the server writes JSONB
        return hashlib.sha256(row[f"{column}_text"].encode()).hexdigest()
    return str(value).lower() if isinstance(value, bool) else str(value)


async def everything_logged(db: Database) -> None:
    """Rows of every kind of log, with what is easily written in two ways: umlauts, fractions, nulls, nesting."""
    await add_vocabulary(db)
    (one,) = await generated(db)
    (two,) = await imported(db)
    await reviews.decide(db, await seen(db, one), "approve", key=new_key(), duration_ms=1_234)
    await reviews.decide(
        db, await seen(db, two), "reject", key=new_key(), reason="Unnatural", notes="Größer; 5:x;", turn_number=2
    )
    await reviews.edit(db, await seen(db, two), system_prompt="S", turns=said("Q?", "Ä."), key=new_key())
    await reviews.undo_last(db, key=new_key())
    await reviews.set_flag(db, one, True, key=new_key())
    await exports.record(
        db, "e-1", "started", count=1, filter_state={"filter": "is:seed", "n": 1.50}, format="messages", metadata={}
    )
    await exports.record(
        db, "e-1", "failed", count=0, filter_state={}, format="messages", metadata={"b": [1, None]},
        file_sha256=b"\x00\xff", error_message="Disk full.",
    )  # fmt: skip


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
async def test_every_row_hash_can_be_computed_again_in_any_time_zone(
    db: Database, conninfo: Conninfo, zone: str
) -> None:
    await everything_logged(db)
    with psycopg.connect(conninfo("audrey"), row_factory=dict_row) as connection:
        connection.execute("SELECT set_config('TimeZone', %s, false)", [zone])
        for table, names in FIELDS.items():
            texts = ", ".join(f"{n[5:]}::text AS {n[5:]}_text" for n in names if n.startswith("json "))
            rows = connection.execute(
                f"SELECT *, {texts}, {table[:-1]}_digest({table}) AS again FROM {table} ORDER BY id".encode()
            ).fetchall()
            assert rows
            for row in rows:
                expected = digest_of(table, *(field_of(row, name) for name in names))
                assert bytes(row["row_hash"]) == expected == bytes(row["again"])


async def test_a_hash_still_verifies_when_the_payloads_were_erased(db: Database) -> None:
    await everything_logged(db)
    erased = '{"request_payload": null, "response_payload": null}'
    statement = "SELECT generation_log_digest(jsonb_populate_record(g, CAST(:erased AS jsonb))) = row_hash"
    unchanged = await fetch(db, f"{statement} FROM generation_logs AS g", erased=erased)
    assert unchanged == [(True,)]


async def test_a_call_under_way_has_no_hash_yet(db: Database) -> None:
    await started(db, None, None, kind="probe")
    assert await fetch(db, "SELECT state, row_hash FROM generation_logs") == [("sending", None)]


def test_lists_of_fields_that_read_alike_have_different_digests(conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo("audrey")) as connection:
        row = connection.execute(
            "SELECT digest_of('ab', 'c'), digest_of('a', 'bc'), digest_of('a', 'b', 'c'), digest_of('ab', NULL, 'c'),"
            " digest_of('ab', '', 'c'), digest_of('ä', 'b')"
        ).fetchone()
    assert row is not None and len(set(row)) == 6
    assert bytes(row[5]) == digest_of("ä", "b")
