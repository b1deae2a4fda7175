"""A workspace says which kinds are taken out; secrets and cards always are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support import Conninfo, logged_in, scalar
from traintui.audit import kinds
from traintui.audit.kinds import ALL, ALWAYS, BadKind
from traintui.audit.personal import look_for_kinds
from traintui.audit.redaction import redact_text
from traintui.audit.rules import following
from traintui.data import workspace_settings
from traintui.data.engine import Database
from traintui.data.refusals import Refused

SAID = {
    "email": "ann@example.org",
    "phone": "+1 212 555 0142",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "national_id": "390.533.447-05",
    "ip_address": "203.0.113.7",
}


@pytest.fixture(autouse=True)
def all_kinds() -> Iterator[None]:
    yield
    look_for_kinds(ALL)


@pytest.mark.parametrize("off", [*SAID, "secret"])
def test_a_kind_that_is_off_stays_and_no_other_kind_takes_a_piece_of_it(off: str) -> None:
    look_for_kinds(ALL - {off})
    for kind, said in SAID.items():
        found = redact_text(f"It is {said}, password=plum4tree")
        if kind == off and kind not in ALWAYS:
            assert (found.value, found.counts) == (f"It is {said}, password=[secret 1]", {"password": 1})
        else:
            assert said not in found.value and found.counts == {kind: 1, "password": 1}


async def test_a_change_counts_in_a_process_that_follows_and_is_on_record(db: Database) -> None:
    await kinds.change(db, "ip_address", on=False)
    async with following(db, lambda _: None):
        assert redact_text("ask 203.0.113.7 or ann@example.org").value == "ask 203.0.113.7 or [e-mail 1]"
    assert await kinds.read(db) == ALL - {"ip_address"}
    await kinds.change(db, "ip_address", on=True)
    assert await kinds.read(db) == ALL
    recorded = "SELECT count(*) FROM workspace_setting_changes WHERE key = 'redaction.ip_address'"
    assert await scalar(db, recorded) == 2


@pytest.mark.parametrize("name", sorted(ALWAYS))
async def test_what_is_always_on_is_neither_switched_off_nor_left_out_by_a_row_of_the_settings(
    db: Database, name: str
) -> None:
    with pytest.raises(BadKind, match="cannot be switched off"):
        await kinds.change(db, name, on=False)
    await workspace_settings.change(db, f"redaction.{name}", False)
    assert name in await kinds.read(db)


async def test_an_unknown_kind_is_named_and_who_is_no_administrator_is_refused(
    db: Database, conninfo: Conninfo
) -> None:
    with pytest.raises(BadKind, match="names is nothing"):
        await kinds.change(db, "names", on=True)
    async with logged_in(conninfo("rita")) as rita:
        with pytest.raises(Refused, match="No right"):
            await kinds.change(rita, "email", on=False)
    assert await kinds.read(db) == ALL
