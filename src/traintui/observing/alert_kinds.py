"""What alerts there are: what each says, what it means for people's work, what to do, and how long it must be so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traintui.data.alert_records import Severity

MINUTE, HOUR = 60.0, 3_600.0


@dataclass(frozen=True, slots=True)
class AlertKind:
    """A kind of alert. `sentence` is filled in with the subject and the figures; `opens_after` are the seconds that it
    must be seen for before it opens, twice at least where there are any; `clears_after` those without it before it is
    over."""

    name: str
    title: str
    sentence: str
    means: str
    to_do: str
    severity: Severity = "warning"
    opens_after: float = 0.0
    clears_after: float = 0.0


# What is judged by windows of a quarter of an hour has its two windows in the rule: it opens and clears at once.
KINDS: Mapping[str, AlertKind] = {
    kind.name: kind
    for kind in (
        AlertKind(
            "slower", "A label became slower",
            "{subject}: 95 of 100 take up to {p95_ms:,.0f} ms, {times:.1f} times the {normal_ms:,.0f} ms of its last"
            " week",
            "Whoever does this waits longer than last week, and may wait longer still as the data grows.",
            "Look under Queries at its plans and slow statements; what changed around that time stands below.",
        ),
        AlertKind(
            "too_long", "A label takes too long",
            "{subject}: 95 of 100 take up to {p95_ms:,.0f} ms, and {most_ms:,.0f} ms are too long",
            "Whoever does this waits each time.",
            "Look under Queries at the costly node of its plan: an index, or a VACUUM of its table, is what helps most"
            " often.",
        ),
        AlertKind(
            "failing", "Statements fail",
            "{subject}: {errors:,} of {calls:,} statements failed in a quarter of an hour",
            "What people or workers do there is not done, or only at the second try.",
            "Look under Queries at the errors of its slow statements, and into the server's log; traintui doctor says"
            " what does not work here.",
            "urgent",
        ),
        AlertKind(
            "plan_changed", "A plan became worse",
            "{subject}: {why}",
            "The server answers it in another way than before, and it takes longer with every row that comes.",
            "ANALYZE the tables that it reads; where an index is missing, c under Indexes makes it.",
        ),
        AlertKind(
            "long_transaction", "A transaction is open for long",
            "{subject} is in a transaction for {lasts} ({state}){waits}",
            "Until it ends no dead row is removed and nothing newer is sealed: tables grow, and seals wait.",
            "5 Live, X ends it, or traintui db live --end {pid}, where it is idle in its transaction; ask who it is"
            " first. An export or a backup ends by itself.",
            "warning", 10.0, 0.0,
        ),
        AlertKind(
            "blocking", "Somebody keeps others waiting",
            "{subject} keeps {number:,} waiting, the longest for {lasts}{relation}",
            "Decisions, edits or generated conversations of others are not stored until it ends.",
            "5 Live, c cancels what it runs and X ends it where it is idle, or traintui db live --cancel {pid} and"
            " --end {pid}; ask who it is first.",
            "urgent", 10.0, 0.0,
        ),
        AlertKind(
            "connections", "Connections run out",
            "{connections:,} of {most:,} connections are taken ({share:.0%})",
            "Soon nobody more gets in, and no worker starts.",
            "Close apps and workers that nobody needs; put PgBouncer between, or raise max_connections.",
            "urgent", MINUTE / 2, 5 * MINUTE,
        ),
        AlertKind(
            "disk_full", "The disk fills up",
            "{free} of {disk} are free, and at the pace of the last days the disk is full in {days:,.0f} days",
            "A full disk stops everything: nothing is stored until there is space.",
            "Remove or archive old calls (Retention), move backups elsewhere, or give the disk more space.",
            "urgent", 10 * MINUTE, HOUR,
        ),
        AlertKind(
            "growth", "The database grows quickly",
            "It has {size} and doubles in {days:,.0f} days at its pace; how much space is left is not known here",
            "Nobody sees from here when the disk of the server is full.",
            "Ask who runs the server how much space it has; Tables says what grows, Retention what may go.",
            "warning", 10 * MINUTE, 6 * HOUR,
        ),
        AlertKind(
            "vacuum_behind", "Autovacuum is behind",
            "{subject} has {dead:,} dead rows, {times:.1f} times what autovacuum lets stand",
            "Counts and filters read dead rows too: they become slower, and the table larger.",
            "VACUUM (ANALYZE) {subject}; and look whether a long transaction keeps it back.",
            "warning", 30 * MINUTE, 5 * MINUTE,
        ),
        AlertKind(
            "xid_age", "Transaction ids run out",
            "The oldest row is {age:,} transactions old; autovacuum should act at {freeze:,}",
            "At 2,100,000,000 the server takes no writes any more.",
            "End long and prepared transactions, then VACUUM (FREEZE) the database with a superuser's login.",
            "urgent", 30 * MINUTE, 30 * MINUTE,
        ),
        AlertKind(
            "partitions", "A week of the log has no partition",
            "{names} is not there",
            "A call of that week makes it when it begins, and waits for all who write the log; without the right to,"
            " nothing is generated.",
            "Start traintui worker as an author or administrator: it makes the next four weeks. An app that one of"
            " them has open does within six hours.",
            "warning", 10.0, 0.0,
        ),
        AlertKind(
            "retention", "Retention was not run",
            "The daily round is due since {days:,.1f} days",
            "What should have left the logs is still there: personal data is kept longer than you said, and the disk"
            " fills.",
            "Let an administrator open Traintui, or run traintui audit retire; Retention says what kept the last"
            " round.",
            "warning", 30 * MINUTE, 0.0,
        ),
        AlertKind(
            "unsealed", "Rows of the log wait for a seal",
            "The oldest row without a seal is {minutes:,.0f} min old",
            "Until it is sealed a change of it would not be found.",
            "Look for a long transaction, which seals wait for; else traintui audit verify says what keeps them.",
            "warning", 5 * MINUTE, 0.0,
        ),
    )
}  # fmt: skip


PREPARED = (
    "SELECT gid, owner, prepared FROM pg_prepared_xacts names it. Ask who prepared it; ROLLBACK PREPARED with its gid"
    " ends it, COMMIT PREPARED finishes it."
)
"""What to do about a transaction that no process holds."""


def sentence(kind: str, subject: str, evidence: Mapping[str, Any]) -> str:
    """What an alert says: its kind's sentence with the subject and the figures in it."""
    lasts = lasting(float(evidence["seconds"])) if "seconds" in evidence else ""
    return KINDS[kind].sentence.format(subject=subject or "It", lasts=lasts, **evidence)


def lasting(seconds: float) -> str:
    """A time span in words: `45 s`, `15 min`, `2 h 10 min`, `3 d 4 h`."""
    minutes = int(seconds // MINUTE)
    if minutes < 1:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def to_do(kind: str, subject: str, evidence: Mapping[str, Any]) -> str:
    """What to do about an alert; nothing for a kind that this version does not know. Its statements are to be copied:
    nothing but numbers and the name of a table comes into them out of the database."""
    known = KINDS.get(kind)
    if known is None:
        return ""
    pid = evidence.get("pid")
    if pid == 0:
        return PREPARED
    named = subject if re.fullmatch(r"\w+", subject) else "TABLE"
    return known.to_do.format(subject=named, pid=pid if isinstance(pid, int) else "PID")
