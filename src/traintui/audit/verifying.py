"""Verifying the whole record: the chain of seals, the logs beside it, anchors outside, and what must agree inside.

Blocks for as long as it takes, some 40 to 60 µs a row; run it in a thread or a process of its own. It changes nothing,
and notes that somebody looked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256

import psycopg

from traintui import clock
from traintui.audit.anchored import Anchored
from traintui.audit.erased import Erased
from traintui.audit.findings import NAMES, RESTORE, Finding, Verdict, of_row
from traintui.audit.removed import Removed
from traintui.audit.row_hashes import digest_of
from traintui.audit.telling_apart import told_apart
from traintui.audit.texts import exports_agree, revisions_agree
from traintui.audit.walking import MOST, BadPart, Walk
from traintui.audit.witnesses import Writers, agreeing, beside
from traintui.audit.words import number_of
from traintui.data import record_looks
from traintui.data.engine import Database
from traintui.data.seal_records import Key, Part, Seal
from traintui.data.sealed_columns import Log
from traintui.data.whole_record import WHOLE_LOGS, Record, record
from traintui.errors import TraintuiError

Progress = Callable[[int, int], None]
"""How many rows were looked at, of how many there are about."""
MAY = ("auditor", "admin")
HIDDEN = "hidden_review_rows"
HIDDEN_SHA256 = "cb6318ee13500d616b6a77b6e5d581f65b499ccbfb55d608f51b511add636b59"
"""Of the function that says what a second review hides, as the newest migration that made it did."""
CANCEL_SECONDS = 0.1
"""Between two looks whether somebody stopped it while the server is asked."""


UNANCHORED = (
    "No anchor was found: nothing outside of the database says which seals there were, so a chain that was made anew"
    " as a whole would look like this one. Run it where an app or a worker runs (anchors.jsonl in its home), or where"
    " manifests of exports still stand."
)


class Cancelled(TraintuiError):
    """Somebody stopped a look at the record; what was found until then is not all."""

    def __init__(self) -> None:
        super().__init__("Not verified", "the look at the record was stopped.", "Run it again when there is time.")


def verify(
    db: Database, *, progress: Progress = lambda _done, _total: None, stop: threading.Event | None = None
) -> Verdict:
    """What the record says of itself. Raises `TraintuiError` when this login may not, the database cannot be reached,
    or `stop` is set. Blocks."""
    if db.role not in MAY:
        raise TraintuiError(
            "No right to verify", f"{db.login} is a {db.role}; the whole record is for auditors and administrators.",
            f"Ask an administrator: traintui user add {db.login} --role auditor.",
        )  # fmt: skip
    began, verdict, stop = clock.ticks(), Verdict(), stop or threading.Event()
    with record(db) as found, cancelling(found, stop):
        _Verifying(found, db, verdict, progress, stop).run()
    verdict.seconds = round(clock.ticks() - began, 2)
    first = verdict.first
    try:
        record_looks.note(
            db, rows=verdict.rows, newest_seal=verdict.newest[0] if verdict.newest else None, findings=verdict.number,
            first_finding=None if first is None else f"{first.where}: {first.what}",
        )  # fmt: skip
    except TraintuiError as error:
        verdict.notes.append(f"That somebody looked is not on record: {error.message}")
    return verdict


@contextmanager
def cancelling(record: Record, stop: threading.Event) -> Iterator[None]:
    """Ends what the server is asked for within the block once `stop` is set, so that nobody waits for a question that
    takes long. Raises `Cancelled` then."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(CANCEL_SECONDS):
            if stop.is_set():
                record.cancel()

    watching = threading.Thread(target=watch, name="stop a look", daemon=True)
    watching.start()
    try:
        yield
    except psycopg.errors.QueryCanceled as error:
        if not stop.is_set():
            raise
        raise Cancelled from error
    finally:
        over.set()
        watching.join()


class _Verifying:
    """One look at the record."""

    def __init__(
        self, record: Record, db: Database, verdict: Verdict, progress: Progress, stop: threading.Event
    ) -> None:
        self.record = record
        self.db = db
        self.verdict = verdict
        self.progress = progress
        self.stop = stop
        self.order = record.order()
        self.horizon = 0
        self.total = 0

    def run(self) -> None:
        anchored = Anchored(self.record, self.db, self.order.workspace, self.verdict, lambda: self._looked(0))
        anchored.begin()
        self._chain()
        erased = Erased(self.record)
        writers = Writers(self.record, self.order, erased)
        walk = Walk(self._looked, writers.look, erased)
        hidden = self._hidden()
        removed = Removed(self.record)
        anchored.compare(self.verdict.newest[0] if self.verdict.newest else 0, removed)
        if self.verdict.seals and not (self.verdict.anchors or self.verdict.manifests or self.verdict.reports):
            self.verdict.notes.append(UNANCHORED)
        for log in WHOLE_LOGS:
            rows, parts = removed.rows(log, None), self.record.parts(log, None)
            walk.log(log, rows, parts, self.horizon, hidden if log == "review_logs" else {})
        for week in self.record.weeks():
            rows, parts = removed.rows("generation_logs", week), self.record.parts("generation_logs", week)
            walk.log("generation_logs", rows, parts, self.horizon, {}, is_archived=week in removed.weeks)
        self._looked(walk.rows)
        removed.finish()
        self._removed(removed)
        self._rows(walk, writers)
        self.verdict.notes += notes_of_erased(walk, erased)

    def _looked(self, rows: int) -> None:
        if self.stop.is_set():
            raise Cancelled
        self.progress(rows, max(rows, self.total))

    # The chain

    def _chain(self) -> None:
        previous, number = digest_of("audit_seals", self.order.workspace), 0
        with closing(self.record.seals()) as seals:
            for seal in seals:
                if self.stop.is_set():
                    raise Cancelled
                number += 1
                if seal.number != number:
                    self._seal(number, f"seals {number:,} to {seal.number - 1:,} are not there", kind="removed")
                elif seal.previous_hash != previous:
                    self._seal(seal.number, "it does not follow the seal before it")
                if seal.horizon < self.horizon:
                    self._seal(seal.number, "it ends before the seal before it")
                if seal_hash(seal) != seal.hash:
                    self._seal(seal.number, "its parts or its columns do not give its hash")
                number, previous = seal.number, seal.hash
                self.horizon = max(self.horizon, seal.horizon)
                self.total += seal.row_count
                self.verdict.seals += 1
                self.verdict.newest = (seal.number, seal.hash.hex())
        for strayed, _ in self.record.strayed():
            self._seal(strayed, "parts or leaves stand there that belong to no seal")

    def _seal(self, number: int, what: str, *, kind: str = "changed") -> None:
        means = f"The chain of seals was {kind} past its guards; from here on it proves what anchors confirm, no more."
        self.verdict.add(Finding("seal", f"seal {number:,}", what, means, RESTORE, seal=number))

    # Rows

    def _removed(self, removed: Removed) -> None:
        self.verdict.archived_rows = removed.rows_met
        self.verdict.retired = [each.as_json() for each in removed.retirements]
        for finding in removed.found:
            self.verdict.add(finding)
        self.verdict.notes += removed.notes()
        if removed.erased_frames:
            self.verdict.notes.append(
                f"Something was erased from {number_of(removed.erased_frames, 'frame')} of the archive."
            )

    def _hidden(self) -> dict[Key, bytes]:
        """The hashes of rows that this login may not read, by their keys. That they are those that second reviews hide
        is compared."""
        if sha256(self.record.definition(HIDDEN).encode()).hexdigest() != HIDDEN_SHA256:
            self.verdict.add(beside("review log", f"the function {HIDDEN} is not the one that Traintui made"))
        hidden = self.record.hidden()
        for each in hidden:
            if not each.is_asked:
                self.verdict.add(of_row(
                    "changed", "review_logs", each.key, "it is said to be hidden by a second review, and none is open",
                    sealed=False,
                ))  # fmt: skip
        return {each.key: each.row_hash for each in hidden}

    def _rows(self, walk: Walk, writers: Writers) -> None:
        verdict = self.verdict
        for name in ("rows", "sealed_rows", "payloads", "erased_payloads", "purged_payloads", "hidden_rows"):
            setattr(verdict, name, getattr(walk, name))
        missing = [each.key[1] for each in walk.differences
                   if each.log == "generation_logs" and each.what == "missing"]  # fmt: skip
        put_back: set[tuple[Log, int]] = {("generation_logs", id) for id in self.record.under_way(missing)}
        told = told_apart(walk.differences, put_back)
        for bad in walk.bad_parts:
            verdict.add(of_part(bad))
        for finding in [*told, *walk.erased.found, *writers.findings()]:
            verdict.add(finding)
        known = {(finding.log, finding.id) for finding in verdict.findings if finding.log and finding.id}

        def look() -> None:
            self._looked(walk.rows)

        exports_agree(self.record, verdict, known, look)
        revisions_agree(self.record, verdict, look)
        agreeing(self.record, self.horizon, verdict, known)
        verdict.number += writers.more
        if walk.number > MOST:
            verdict.number += walk.number - MOST
            verdict.notes.append(f"{walk.number:,} rows differ; the first {MOST:,} were told apart.")
        unsealed = walk.rows - walk.sealed_rows
        if unsealed and not walk.number:
            are, them = ("is", "it") if unsealed == 1 else ("are", "them")
            verdict.notes.append(
                f"{number_of(unsealed, 'row')} {are} not sealed yet: what else knows of {them} was asked."
            )
        if writers.unknown:
            verdict.notes.append(
                f"The workspace came here from another server: who wrote {number_of(writers.unknown, 'row')} that"
                f" {'is' if writers.unknown == 1 else 'are'} not sealed yet, nobody knows."
            )
        if walk.hidden_rows:
            verdict.notes.append(
                f"{number_of(walk.hidden_rows, 'row')} of second reviews that are still open"
                f" {'was' if walk.hidden_rows == 1 else 'were'} compared by hash alone:"
                " what others decided is not for who decides too. An auditor's login reads them."
            )


def notes_of_erased(walk: Walk, erased: Erased) -> Iterator[str]:
    """What was erased on record, and what of it is still to be done."""
    if walk.erased_payloads:
        yield f"{number_of(walk.erased_payloads, 'payload')} erased, reasons kept: is:erased finds the calls."
    if walk.purged_payloads:
        yield f"{number_of(walk.purged_payloads, 'payload')} erased with the conversations, which were purged."
    if erased.pending:
        yield (
            f"{number_of(erased.pending, 'erasure')} still to be done in the archive: the app does it when an"
            " administrator next opens it, and traintui audit retire at once."
        )
    yield from (f"Not out of the archive yet: {failure}" for failure in erased.failures)
    if erased.left_errors:
        yield (
            f"The text of {number_of(erased.left_errors, 'error')} stands though its conversation was purged, as was"
            " done before revision 0050: traintui audit erase takes it."
        )


def of_part(bad: BadPart) -> Finding:
    """A finding about a part whose rows cannot be named."""
    part = bad.part
    where = f"seal {part.number:,}, rows {part.first[1]:,} to {part.last[1]:,} of the {NAMES[part.log]}"
    if bad.holds:
        what = "its list of row hashes was changed or is gone; its rows are as sealed"
        return Finding("seal", where, what, "Rows of this part could not be named, were one changed.", RESTORE,
                       seal=part.number, at=part.first)  # fmt: skip
    number = bad.found - part.row_count
    happened = f"{number:,} too many" if number > 0 else f"{-number:,} missing" if number else "as many as sealed"
    what = f"its rows do not give its root ({happened}), and its list of row hashes cannot say which"
    return Finding("seal", where, what, "Rows of this part were changed, removed or inserted.", RESTORE,
                   seal=part.number, at=part.first)  # fmt: skip


def seal_hash(seal: Seal) -> bytes:
    """The hash that a seal has, from its columns and parts."""
    return digest_of(
        "audit_seal", "1", str(seal.number), str(seal.horizon), str(seal.made_at_micros), str(seal.row_count),
        seal.previous_hash.hex(), *(part_digest(part).hex() for part in seal.parts),
    )  # fmt: skip


def part_digest(part: Part) -> bytes:
    """The digest of a part in its seal."""
    return digest_of(
        "audit_seal_part", "1", str(part.place), part.log, None if part.week is None else part.week.isoformat(),
        str(part.first[0]), str(part.first[1]), str(part.last[0]), str(part.last[1]), str(part.row_count),
        part.root.hex(), part.keys_sha256.hex(),
    )  # fmt: skip
