"""What was done to rows that differ: changed, removed, inserted or reordered. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from traintui.audit.findings import Finding, of_row
from traintui.audit.row_hashes import row_hash
from traintui.audit.walking import PLACES, WIDTH, Difference
from traintui.data.seal_records import Key
from traintui.data.sealed_columns import Log

PAIRED = 300
"""Changed rows of a log that are compared with each other: whether two of them changed places."""
STANDS = "What somebody was told is gone is still there: it was put back, or never taken out."
OWN_TIME: dict[Log, str] = {"review_logs": "timestamp", "export_logs": "exported_at", "generation_logs": "created_at",
                            "retirements": "retired_at", "erasures": "erased_at"}  # fmt: skip


def told_apart(differences: Sequence[Difference], put_back: set[tuple[Log, int]]) -> list[Finding]:
    """Findings about rows, in the order of the record. `put_back` are rows of the generation log that stand there as
    calls under way."""
    by_log: dict[Log, list[Difference]] = defaultdict(list)
    for difference in differences:
        by_log[difference.log].append(difference)
    found = [finding for log, some in by_log.items() for finding in of_log(log, some, put_back)]
    archived = {(each.log, each.key) for each in differences if each.is_archived}
    found = [in_archive(each) if (each.log, each.at) in archived else each for each in found]
    return sorted(found, key=lambda finding: (finding.at, finding.log or ""))


def in_archive(finding: Finding) -> Finding:
    """The finding about a row that was removed under policy."""
    return replace(finding, where=f"{finding.where}, in the archive")


def of_log(log: Log, differences: list[Difference], put_back: set[tuple[Log, int]]) -> Iterator[Finding]:
    strays = [each for each in differences if each.what == "stray"]
    missing = [each for each in differences if each.what == "missing"]
    elsewhere = found_elsewhere(missing[:PAIRED], strays[:PAIRED])
    swapped = places_changed(log, [each for each in differences if each.what == "differs"][:PAIRED])
    sealed_ids = {each.key[1] for each in missing}
    stray_ids = {each.key[1] for each in strays}
    known = sealed_ids | {stray.key[1] for stray in elsewhere.values()}
    told = {each.key for each in differences if each.what in ("differs", "missing")}
    for each in differences:
        id, seal = each.key[1], each.seal
        match each.what:
            case "differs" if each.key in swapped:
                what = f"it says what row {swapped[each.key][1]:,} said: they changed places"
                yield of_row("reordered", log, each.key, what, seal=seal)
            case "differs":
                yield of_row("changed", log, each.key, f"it is not what seal {seal:,} has", seal=seal)
            case "missing" if (stands := elsewhere.get(each.key)) is not None and stands.key[1] == id:
                what = f"seal {seal:,} has it in transaction {each.key[0]:,}, and it stands in {stands.key[0]:,}"
                if stands.key == each.key:
                    what = "it stands behind rows that seals have behind it"
                yield of_row("reordered", log, each.key, what, seal=seal)
            case "missing" if stands is not None and stands.key[1] in sealed_ids:
                what = f"what seal {seal:,} has there stands as row {stands.key[1]:,}: they changed places"
                yield of_row("reordered", log, each.key, what, seal=seal)
            case "missing" if stands is not None:
                what = f"what seal {seal:,} has there stands as row {stands.key[1]:,}: its number was changed"
                yield of_row("changed", log, each.key, what, seal=seal)
            case "missing" if id in stray_ids:
                yield of_row("changed", log, each.key, f"it is not what seal {seal:,} has, nor where", seal=seal)
            case "missing" if (log, id) in put_back:
                what = f"seal {seal:,} has it finished, and it stands there as a call under way"
                yield of_row("changed", log, each.key, what, seal=seal)
            case "missing":
                yield of_row("removed", log, each.key, f"seal {seal:,} has it, the log has not", seal=seal)
            case "stray" if id not in known:
                yield of_row("inserted", log, each.key, "it stands among sealed rows, and no seal has it")
            case "payload" if each.key not in told:
                what = "a payload is not what its digest says"
                yield of_row("changed", log, each.key, what, seal=seal, sealed=seal is not None)
            case "gone" if each.key not in told:
                what = "a payload is gone, and neither an erasure nor a purge says who took it"
                yield of_row("changed", log, each.key, what, seal=seal, sealed=seal is not None)
            case "stands" if each.key not in told:
                what = "something stands there that was erased, or went with its conversation, as the record says"
                found = of_row("changed", log, each.key, what, seal=seal, sealed=False)
                yield replace(found, means=STANDS, remedy=f"Erase it again: traintui audit erase --call {id}.")
            case "stored hash":
                what = "its content is as sealed, its column row_hash is not"
                yield of_row("changed", log, each.key, what, seal=seal)
            case "unreadable":
                version = (each.row or [b"?"])[0] or b"?"
                yield of_row("unknown", log, each.key, f"its hash is of version {version.decode()}", seal=seal)


def found_elsewhere(missing: list[Difference], strays: list[Difference]) -> dict[Key, Difference]:
    """Where what seals have at the places of missing rows stands in truth."""
    found = {}
    for each in missing:
        likely = sorted(strays, key=lambda stray: stray.key[1] != each.key[1])
        stands = next((stray for stray in likely if as_sealed(each.log, stray, each)), None)
        if stands is not None:
            found[each.key] = stands
    return found


def places_changed(log: Log, differences: list[Difference]) -> dict[Key, Key]:
    """Which of them say what another one said when it was sealed: each with that other."""
    found = {}
    for each in differences:
        for other in differences:
            if other.key != each.key and as_sealed(log, each, other):
                found[each.key] = other.key
                break
    return found


def as_sealed(log: Log, stands: Difference, sealed: Difference) -> bool:
    """Whether a row, were it at the place of another, would be what the seal has there; its time may have stayed
    behind."""
    if stands.row is None or sealed.sealed is None:
        return False
    fields = stands.row[: WIDTH[log]]
    fields[PLACES[log]["id"]] = str(sealed.key[1]).encode()
    fields[PLACES[log]["xid8"]] = str(sealed.key[0]).encode()
    if row_hash(log, fields) == sealed.sealed:
        return True
    if sealed.row is None:
        return False
    time = PLACES[log][OWN_TIME[log]]
    fields[time] = sealed.row[time]
    return row_hash(log, fields) == sealed.sealed
