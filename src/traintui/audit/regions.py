"""The regions whose telephone numbers a workspace expects without a country's code: `phone_regions` of its settings."""

from __future__ import annotations

from sqlalchemy import select

from traintui.audit.personal import look_for_phones_of
from traintui.audit.phones import DEFAULT_REGIONS, known_regions
from traintui.data.engine import Database
from traintui.data.models import WorkspaceSetting


async def expect_phones_of_workspace(db: Database) -> str | None:
    """Makes this process look for the telephone numbers of the workspace's regions.

    Returns what is wrong with the setting, if something is; the regions that there are no plans for are left out then,
    and where none is left, the usual ones stay.
    """
    async with db.read() as connection:
        said = await connection.scalar(select(WorkspaceSetting.value).where(WorkspaceSetting.key == "phone_regions"))
    if said is None:
        look_for_phones_of(DEFAULT_REGIONS)
        return None
    wanted = said if isinstance(said, list) else [said]
    known = known_regions(wanted)
    look_for_phones_of(known or DEFAULT_REGIONS)
    unknown = [str(region) for region in wanted if not known_regions([region])]
    if not unknown and known:
        return None
    return (
        f"phone_regions of the workspace's settings names {', '.join(unknown) or 'no region'}, and should be a list"
        f' like ["US", "GB"]. Telephone numbers are looked for in {", ".join(known or DEFAULT_REGIONS)}.'
    )
