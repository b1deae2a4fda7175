"""The moment or the period of a report as people write them: as in the filter, in their time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from datetime import tzinfo as TimeZone

from traintui import clock
from traintui.data.filter_reading import moment_of
from traintui.data.filter_words import Context, FilterError, Word
from traintui.errors import TraintuiError


def read_moment(written: str | None, *, begins: bool = False, zone: TimeZone | None = None) -> datetime | None:
    """A date or time: the end of a day, or its beginning where something `begins` with it; None where nothing is
    written. `zone` None is the system's. Raises `TraintuiError`."""
    content = (written or "").strip().replace(" ", "T")
    if not content:
        return None
    context, word = Context(clock.now(), zone, None), Word(None, ":", content, False, 0, len(content))
    try:
        found = context.moment(word, content)[0] if begins else moment_of(word, content, context)
    except FilterError as error:
        raise TraintuiError("Report not made", error.message, error.remedy) from error
    return found.astimezone(UTC)


def read_as_of(written: str | None, *, zone: TimeZone | None = None) -> datetime | None:
    """A moment that has been: how it will stand nobody knows. A day that has begun counts. None where nothing is
    written. Raises `TraintuiError`."""
    begins = read_moment(written, begins=True, zone=zone)
    if begins is not None and begins > clock.now():
        raise TraintuiError(
            "Report not made", f"{(written or '').strip()} is still to come: nobody knows how it will stand then.",
            "Name a moment that has been, or leave it out for now.",
        )  # fmt: skip
    return read_moment(written, zone=zone)
