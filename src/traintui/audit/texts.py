"""Texts and lists beside the record: what is too large for a question, and is read as a stream.

The text of a revision is recomputed against its digest, which rows of the review log have too; what was noted of an
export against the digest that the row has which says how it ended. Nothing is held but what is named.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from hashlib import sha256
from typing import Any

import orjson

from traintui.audit.findings import COMPARE, Finding, Verdict
from traintui.audit.noted import noted_digests, nothing_noted
from traintui.audit.row_hashes import framed
from traintui.audit.words import number_of
from traintui.data.copied_rows import Row
from traintui.data.sealed_columns import Log
from traintui.data.whole_record import Record

NAMED = 100
"""Exports, and revisions, that are named; beyond that they are counted."""
EVERY = 2_000
"""Rows between two looks whether somebody stopped it."""
HEAD = framed(b"conversation") + framed(b"1")
TRUTH = {True: framed(b"true"), False: framed(b"false"), None: framed(b"true")}
Look = Callable[[], None]
"""Called now and then; raises where somebody stopped it."""


def content_digest(system_prompt: bytes | None, turns: Iterable[dict[str, Any]]) -> bytes:
    """The digest of what a revision says: the system prompt, then role, content and train flag of each turn; as
    `content_digest` of the database has it."""
    written = [HEAD, framed(system_prompt)]
    for turn in turns:
        role, content = turn.get("role"), turn.get("content")
        written.append(framed(None if role is None else role.encode()))
        written.append(framed(None if content is None else content.encode()))
        written.append(TRUTH[turn.get("train")])
    return sha256(b"".join(written)).digest()


def is_as_digested(system_prompt: bytes | None, turns: bytes | None, digest: bytes | None) -> bool:
    """Whether a revision, its digest in hexadecimal, says what it was stored with."""
    try:
        return content_digest(system_prompt, orjson.loads(turns or b"")).hex().encode() == digest
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def revisions_agree(record: Record, verdict: Verdict, look: Look) -> None:
    """Adds the revisions that are not what their digests say, the earliest first."""
    number = 0
    found: list[tuple[int, str, int]] = []
    with closing(record.revisions()) as rows:
        for conversation_id, revision, system_prompt, turns, digest, at in watched(rows, look):
            if not is_as_digested(system_prompt, turns, digest):
                number += 1
                insort(found, (int(at or 0), (conversation_id or b"").decode(), int(revision or 0)))
                del found[NAMED:]
    for _, name, place in found:
        verdict.add(of_text(name, place, "its text is not what its digest says"))
    verdict.number += number - len(found)


def of_text(conversation_id: str, revision: int, what: str) -> Finding:
    """A finding about the text of a conversation."""
    return Finding(
        "witness", f"revision {revision:,} of conversation {conversation_id}", what,
        "It does not say what it said when it was stored, and what was decided on it.",
        "Compare the text with a backup, and with what left in exports.", sealed=False,
    )  # fmt: skip


def exports_agree(record: Record, verdict: Verdict, known: set[tuple[Log, int]], look: Look) -> None:
    """Adds the exports whose conversations are not those that were noted when they ended, and adds their rows to
    `known`."""
    undigested = unended = number = 0
    with closing(record.noted_live()) as noted:
        digests = noted_digests(watched(noted, look))
        met = next(digests, None)
        with closing(record.ended_exports()) as exports:
            for export in exports:
                name = export.export_id.encode()
                digest = nothing_noted(name)
                if met is not None and met[0] == name:
                    digest, met = met[1], next(digests, None)
                if export.id is None:
                    unended += 1
                elif export.rows_sha256 is None:
                    undigested += 1
                elif export.rows_sha256 != digest.hex():
                    number += 1
                    known.add(("export_logs", export.id))
                    if number <= NAMED:
                        verdict.add(Finding(
                            "witness", f"conversations of export {export.export_id}",
                            "they are not those that were noted when it ended",
                            "Which conversations left, or at which revisions, was changed afterwards.", COMPARE,
                        ))  # fmt: skip
    verdict.number += max(0, number - NAMED)
    if undigested:
        verdict.notes.append(
            f"{number_of(undigested, 'export')} ended before revision 0045, without a digest of what was in it: the"
            " number of conversations alone was compared."
        )
    if unended:
        verdict.notes.append(f"What is noted of {number_of(unended, 'export')} that did not end has no digest yet.")


def watched(rows: Generator[Row, None, None] | Iterable[Row], look: Look) -> Generator[Row, None, None]:
    for place, row in enumerate(rows, 1):
        if place % EVERY == 0:
            look()
        yield row
