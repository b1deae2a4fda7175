"""When indexes are rebuilt by themselves: the workspace's rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from traintui.data import workspace_settings
from traintui.data.engine import Database
from traintui.data.retention_rounds import EMBEDDED

AUTOMATIC, POLICY = "rebuild_automatically", "rebuild_policy"
NIGHT = (20, 7)
"""Hours between which a shared server is quiet, unless the workspace says otherwise."""


@dataclass(frozen=True, slots=True)
class RebuildPolicy:
    """Whether indexes are rebuilt by themselves: those that fill less than `density` of their leaves (0 to 1) and are
    larger than so many megabytes, in the quiet hours of the machine that does it; None is any hour."""

    on: bool
    density: float = 0.5
    megabytes: float = 8
    quiet: tuple[int, int] | None = None

    def is_quiet(self, local: datetime) -> bool:
        """Whether a moment of one's own time is in the quiet hours."""
        if self.quiet is None or self.quiet[0] == self.quiet[1]:
            return True
        begins, ends = self.quiet
        return begins <= local.hour < ends if begins < ends else local.hour >= begins or local.hour < ends

    @property
    def hours(self) -> str:
        """The quiet hours in words."""
        return "at any hour" if self.quiet is None else f"from {self.quiet[0]} to {self.quiet[1]} o'clock"


async def read(db: Database) -> RebuildPolicy:
    """The rules: as the workspace chose; else on and at any hour where nobody else looks after the server, which is the
    embedded one, and off, in the night, on a shared one."""
    chosen = await workspace_settings.values(db, "rebuild_")
    embedded = db.label == EMBEDDED
    said = chosen.get(AUTOMATIC)
    on = embedded if said is None else bool(said)
    if (rules := chosen.get(POLICY)) is None:
        return RebuildPolicy(on, quiet=None if embedded else NIGHT)
    begins, ends = rules.get("quiet_from"), rules.get("quiet_until")
    quiet = None if begins is None else (int(begins), int(ends))
    return RebuildPolicy(on, float(rules["density"]), float(rules["megabytes"]), quiet)


async def switch(db: Database, on: bool) -> None:
    """Says for everybody whether indexes are rebuilt by themselves. Raises `Refused` for who is no administrator."""
    await workspace_settings.change(db, AUTOMATIC, on)


async def set_quiet(db: Database, quiet: tuple[int, int] | None) -> None:
    """Says for everybody which hours are quiet, None that all are. Raises `Refused` for who is no administrator."""
    policy = replace(await read(db), quiet=quiet)
    begins, ends = quiet or (None, None)
    rules = {"density": policy.density, "megabytes": policy.megabytes, "quiet_from": begins, "quiet_until": ends}
    await workspace_settings.change(db, POLICY, rules)
