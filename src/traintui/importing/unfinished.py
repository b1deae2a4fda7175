"""Imports that were cut off: finished with the file that they are of, or removed as a whole."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from traintui.data import imports, metadata_schema
from traintui.data.engine import Database
from traintui.data.import_records import Import, Removed
from traintui.data.key_rules import KeyRules, key_rules
from traintui.data.metadata_rules import Rules
from traintui.errors import TraintuiError
from traintui.importing.bad_records import BadRecords
from traintui.importing.checking import check, recognise
from traintui.importing.conversations import FORMATS, Format
from traintui.importing.files import shown
from traintui.importing.loading import ExaminedFile, Progress, StoredConversations, at, go_on
from traintui.importing.manifests import digest_of
from traintui.importing.mapping import mapping_of
from traintui.importing.values import Settled
from traintui.quality import thresholds


def why_not(going: Import) -> str | None:
    """Why an import cannot be finished, in a sentence; None where its file is still what it was.

    It reads the file. One whose removal was cut off can only be removed.
    """
    if going.state == "removing":
        return "It is being removed."
    path = Path(going.file.path)
    if going.state == "approving":
        return None
    try:
        found = digest_of(path)
    except TraintuiError as error:
        return error.message
    if going.file.sha256 is None or bytes.fromhex(found) != going.file.sha256:
        return f"{shown(path)} is not the file any more that it was."
    return None


async def finish(
    db: Database, going: Import, *, progress: Progress | None = None, stop: asyncio.Event | None = None
) -> StoredConversations:
    """Brings an import that was cut off to its end, from where it was.

    Raises `TraintuiError` when its file is not there any more as it was, `Refused` while somebody is at it, and
    `Stopped`; it then is as before.
    """
    reason = await asyncio.to_thread(why_not, going)
    if reason is not None:
        raise TraintuiError(
            "Import not finished", f"{going.file.name}: {reason}", "Remove it: traintui import --unfinished remove."
        )
    taken = await imports.take(db, going.import_id)
    settled = Settled({(of, value): name for of, value, name in taken.file.options.get("names", [])}, ())
    file = await asyncio.to_thread(again, taken, await metadata_schema.rules(db), await key_rules(db))
    return await go_on(db, taken, file, settled, await thresholds.read(db), progress, stop)


async def remove(db: Database, going: Import, *, progress: Progress | None = None) -> Removed:
    """Removes an import that was cut off. Raises `Refused`."""
    return await imports.remove(db, going.import_id, progress=at(progress, "removing"))


def again(going: Import, rules: Rules, keys: KeyRules) -> ExaminedFile:
    """The file of an import, examined as it was before, by what metadata has to fit now."""
    path = Path(going.file.path)
    given = going.file.options.get("mapping")
    format: Format | None = next((name for name in FORMATS if name == going.file.format), None)
    known = replace(recognise(path, format, mapping_of(given) if given else None), rules=rules, keys=keys)
    return ExaminedFile(known, check(known), None, BadRecords(path), (going.file.sha256 or b"").hex())
