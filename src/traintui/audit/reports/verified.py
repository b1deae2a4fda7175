"""What a report says of the record that its figures are from: whether it held when somebody looked last."""

from __future__ import annotations

from datetime import datetime, timedelta

from traintui.audit.reports.model import utc
from traintui.audit.words import number_of
from traintui.data.record_looks import RecordLook

LATELY = timedelta(days=7)
"""For so long a look says something of the record as it is."""
NAME = "the record"


def fact(look: RecordLook | None, now: datetime) -> tuple[str, str]:
    """It in a line of the report."""
    if look is None:
        return NAME, "unverified: nobody has looked at it yet"
    seal = "" if look.newest_seal is None else f", up to seal {look.newest_seal:,}"
    when = f"{utc(look.looked_at)} by {look.looked_by}"
    if not look.held:
        return NAME, f"DID NOT HOLD: {number_of(look.findings, 'finding')} on {when}{seal}"
    if now - look.looked_at > LATELY:
        return NAME, f"unverified for {(now - look.looked_at).days} days: it held on {when}{seal}"
    return NAME, f"held on {when}{seal}"


def notes(look: RecordLook | None, now: datetime) -> tuple[str, ...]:
    """What to know beside it: nothing where it held lately."""
    if look is None or (look.held and now - look.looked_at > LATELY):
        return ("Whether the record that these figures are from is as it was written, nobody verified lately: traintui"
                " audit verify.",)  # fmt: skip
    if look.held:
        return ()
    return (
        f"These figures are from a record that did not hold when it was verified last. First: {look.first_finding}",
    )
