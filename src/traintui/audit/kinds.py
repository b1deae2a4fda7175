"""The kinds of what is taken out of a record before it is stored. Each is a row of `workspace_settings`, on or off; one
that has none is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traintui.data import workspace_settings
from traintui.data.engine import Database
from traintui.errors import TraintuiError

PREFIX = "redaction."


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind with its name in settings and counts. One that is `always` on costs too much if it is kept: cards by the
    rules of those who issue them, secrets because they open other houses."""

    name: str
    title: str
    recognised: str
    always: bool = False


KINDS = (
    Kind(
        "secret", "Secrets", "Keys of providers, tokens, passwords, private keys, logins in addresses of databases and"
        " sites.", always=True,
    ),
    Kind("card", "Cards", "Numbers of credit and debit cards, by their lengths and check digit.", always=True),
    Kind("email", "E-mail addresses", "Any address with a domain."),
    Kind(
        "phone", "Telephone numbers", "Of any country with its code; without one, of the workspace's regions, in groups"
        " or beside a word.",
    ),
    Kind("iban", "Bank accounts", "IBANs of every country, by their length and check digits."),
    Kind("national_id", "National ids", "Numbers that states give to people, by check digits or the name beside."),
    Kind("ip_address", "IP addresses", "Versions 4 and 6, but not one's own machine, masks, groups and versions."),
)  # fmt: skip
ALL = frozenset(kind.name for kind in KINDS)
ALWAYS = frozenset(kind.name for kind in KINDS if kind.always)


class BadKind(TraintuiError):
    """A kind that there is not, or one that cannot be switched off."""


def kinds_on(rows: Mapping[str, Any]) -> frozenset[str]:
    """The kinds that are on where these rows are stored, by their keys. What is not a plain `false` leaves one on."""
    return frozenset(kind.name for kind in KINDS if kind.always or rows.get(PREFIX + kind.name) is not False)


async def read(db: Database) -> frozenset[str]:
    """The names of the kinds that are on in the workspace."""
    return kinds_on(await workspace_settings.values(db, PREFIX))


async def change(db: Database, name: str, *, on: bool) -> None:
    """Switches one on or off for everybody, for what is stored from then on; the change is on record.

    Raises `BadKind` when there is none of this name or it cannot be switched off, and `Refused` for who is no
    administrator.
    """
    if name not in ALL:
        raise BadKind("No such kind", f"{name} is nothing that is looked for.", f"There are {', '.join(sorted(ALL))}.")
    if name in ALWAYS and not on:
        raise BadKind(
            "Always taken out", f"{name} cannot be switched off.",
            "Secrets and cards are never stored in a log; the other kinds can be switched off.",
        )  # fmt: skip
    await workspace_settings.change(db, PREFIX + name, on)
