"""What is kept for how long, what falls due, and how the rounds stand, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from textual.content import Content

from traintui import text
from traintui.data.retention import DEFAULTS, RetiredLog
from traintui.data.retention_outlook import KeptWeek, outlook
from traintui.data.retention_rounds import Rounds

LOGS: Mapping[str, str] = {"generation_logs": "calls", "export_logs": "exports", "review_logs": "reviews"}
AUTOMATIC = "Retire by itself"
WHO: Mapping[str, str] = {
    "generation_logs": "each call to a model, with what was sent and what came back",
    "export_logs": "what left the house, with the list of its conversations",
    "review_logs": "what people decided: never removed",
    "automatic": "once a day, what is due leaves the logs for the archive",
}


def days_in_words(days: int | None) -> str:
    """A number of days; None is for good."""
    return "for good" if days is None else f"{days:,} days"


def default_in_words(log: RetiredLog) -> str:
    """What holds where nobody chose."""
    return f"Where no administrator chose: {DEFAULTS[log]} days."


def removed_in_words(log: RetiredLog) -> str:
    """What becomes of rows that are older."""
    with_them = "payloads and all" if log == "generation_logs" else "with what they held"
    return (
        f"Older {LOGS[log]} leave the log for the archive, {with_them}: A in Audit lists them there. Nothing is lost."
    )


def outlook_in_words(kept: Sequence[KeptWeek], log: RetiredLog, days: int | None, now: datetime) -> Content:
    """What is due of a log whose rows are kept for so many days, and what falls due next, with rows, size and day."""
    if days is None:
        return Content("Nothing is ever removed: they are kept for good.")
    found = outlook(kept, log, days, now)
    due = Content("Nothing leaves the log now.")
    if found.weeks:
        size = f"{text.plural(found.weeks, 'week')}, {found.rows:,} rows, {text.size(found.bytes)}"
        due = Content.assemble(("Leaves the log with the next round: ", "bold $warning"), (size, "bold"), ".")
    if found.following is None or found.following_at is None:
        return due
    week = found.following
    return Content.assemble(
        due, f" The week of {week.week}, {week.rows:,} rows, {text.size(week.bytes)}, leaves on ",
        (f"{found.following_at.astimezone():%Y-%m-%d}", "bold"), ".",
    )  # fmt: skip


def round_in_words(removes: bool, rounds: Rounds | None) -> Content:
    """When what is due goes, how the last round ended, and what is to be done where it does not go by itself."""
    what = (
        "Once a day an administrator's app or worker archives what is due and removes it."
        if removes
        else "Once a day an administrator's app or worker archives what is due; traintui audit retire removes it."
    )
    if rounds is None:
        return Content(what)
    if rounds.under_way:
        return Content(f"{what} A round is under way.")
    parts = [Content(what)]
    if rounds.ended_at is not None:
        became = f"{rounds.removed:,} rows removed" if rounds.removed else "nothing removed"
        parts.append(Content.styled(f"Last round {rounds.ended_at.astimezone():%Y-%m-%d %H:%M}, {became}.", "$muted"))
    if rounds.due_at is not None:
        parts.append(Content.styled(f"Next from {rounds.due_at.astimezone():%Y-%m-%d %H:%M} on.", "$muted"))
    said = [Content(" ").join(parts)]
    if rounds.failure:
        said.append(Content.assemble(("! ", "$error"), text.shown(rounds.failure, single_line=True, limit=400)))
    return Content("\n").join(said)
