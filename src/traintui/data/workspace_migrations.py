"""The workspace's own migrations: files in a folder of the workspace, a branch and a version table apart from ours, so
that an upgrade of Traintui meets none of them. Each promotes a metadata key or takes one back."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from traintui.data import metadata, promotions, schema
from traintui.data.engine import Database
from traintui.data.metadata_values import as_value_type
from traintui.data.promotion_files import Planned, file_name, render
from traintui.data.promotion_records import Look, Promotion
from traintui.data.promotions import LONGEST_VALUE, MOST_VALUES
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

    from traintui.data.promoting import Progress

BRANCH = "workspace"
VERSION_TABLE = "workspace_version"
NEEDS = "0054"
"""The revision of Traintui that has what these files call."""

MIGRATION = re.compile(r"w[0-9]{4}_\w*\.py", re.ASCII)
"""The name of a file."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A file of a workspace's migration: where it is, or will be, and what stands in it. It `waits` while the database
    knows nothing of it. `differs` is what of a file that it knows is not as it was made: lines with - and +."""

    revision: str
    path: Path
    text: str
    waits: bool
    differs: str = ""

    def write(self) -> None:
        """Writes it whole or not at all; a file that is there stays, since somebody may have changed it on purpose."""
        if self.path.exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(self.text)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(self.path)


def own_folder(home: Path) -> Path:
    """The folder of an embedded workspace."""
    return home / "migrations"


def folder_of(settings: Settings, out: Path | None) -> Path:
    """The folder of the migrations. Raises `TraintuiError` for a shared workspace without one."""
    if out is not None:
        return out
    if settings.embedded:
        return own_folder(settings.home)
    raise TraintuiError(
        "No folder named",
        "the migrations of a shared workspace belong where its administrators keep them together.",
        "Nothing was changed. Name that folder with --out DIRECTORY, every time the same.",
    )


# Planning ---------------------------------------------------------------------------------------------------------


async def planned_promotion(
    db: Database, folder: Path, key: str, value_type: str, look: Look, *, vocabulary: bool = False,
    leave_unfitting: bool = False,
) -> tuple[Migration, ...]:  # fmt: skip
    """The files that the promotion of a key needs, those of earlier ones among them; the last one is its own. One that
    was cut off is the same again.

    Raises `TraintuiError` for values that do not fit unless they may stay behind, and for what cannot be promoted.
    """
    require_administrator(db)
    every = await promotions.every(db)
    if under_way := next((each for each in every if each.key == key and each.stands), None):
        found = tuple(go_on(files(folder, known(every)), under_way, value_type, vocabulary))
        if not is_waiting(found, under_way.column, back=True):
            return found
    registered = {each.key: each.value_type for each in await metadata.keys(db)}
    if registered.get(key, value_type) != value_type:
        raise TraintuiError(
            "Another type", f'"{key}" is registered as {registered[key]}, not as {value_type}.',
            f"Nothing was changed. Promote it as {registered[key]}, or register it as {value_type} first.",
        )  # fmt: skip
    if look.unfitting and not leave_unfitting:
        raise TraintuiError(
            "Values do not fit",
            f'{look.unfitting:,} of {look.held:,} values of "{key}" are not of the type {value_type}.',
            "Nothing was changed. Mend them (the filter has:meta.KEY finds them), or give --leave-unfitting: they stay"
            " in metadata and have no value in the column.",
        )  # fmt: skip
    column = promotions.column_of(key)
    before = files(folder, known(every))
    if is_waiting(before, column):
        return before
    planned = Planned(
        next_revision(every, folder), key, column, as_value_type(value_type),
        values_of(key, value_type, look) if vocabulary else None, leave_unfitting, db.login,
    )  # fmt: skip
    follows = before[-1].revision if before else None
    text = render(planned, planned.revision, follows, needs=NEEDS)
    return (*before, Migration(planned.revision, folder / file_name(planned.revision, column), text, waits=True))


def is_waiting(found: Sequence[Migration], column: str, *, back: bool = False) -> bool:
    """Whether the last file of a column that was never begun promotes into it, or takes it back. After a downgrade all
    of them wait, and what the earlier ones do is undone by the later ones."""
    own = [each for each in found if each.waits and each.path.name in both_names(each.revision, column)]
    return bool(own) and own[-1].path.name == file_name(own[-1].revision, column, back=back)


def both_names(revision: str, column: str) -> tuple[str, str]:
    """What a file of a column may be called."""
    return file_name(revision, column), file_name(revision, column, back=True)


def go_on(found: Sequence[Migration], under_way: Promotion, value_type: str, vocabulary: bool) -> Sequence[Migration]:
    """The files of a promotion that has begun. Raises `TraintuiError` when it is of another kind, or going back."""
    if under_way.state == "demoting":
        raise TraintuiError(
            "On its way back", f'"{under_way.key}" is being demoted.',
            f"Run traintui db demote {under_way.key} to its end.",
        )  # fmt: skip
    if (under_way.value_type, under_way.is_vocabulary) != (value_type, vocabulary):
        kind = f"{under_way.value_type}{' with a vocabulary' if under_way.is_vocabulary else ''}"
        raise TraintuiError(
            "Promoted already", f'"{under_way.key}" has a column: {under_way.column}, {kind}.',
            "Nothing was changed. Demote it first (traintui db demote KEY); its values stay.",
        )  # fmt: skip
    return found


def values_of(key: str, value_type: str, look: Look) -> tuple[str, ...]:
    """The values of a vocabulary. Raises `TraintuiError` for what makes none."""
    wrong = (
        "only text has one" if value_type != "text"
        else f"it has more than {MOST_VALUES:,} values" if look.values is None
        else f"a value has more than {LONGEST_VALUE} characters" if look.longest > LONGEST_VALUE
        else "a value is empty" if "" in look.values else None
    )  # fmt: skip
    if wrong is not None or look.values is None:
        raise TraintuiError(
            "No vocabulary", f'"{key}": {wrong}.', "Nothing was changed. Promote it without --vocabulary."
        )
    return look.values


async def planned_demotion(db: Database, folder: Path, key: str) -> tuple[Migration, ...]:
    """The files that taking a key back needs, its own the last one. Raises `TraintuiError` where it has no column."""
    require_administrator(db)
    every = await promotions.every(db)
    standing = next((each for each in every if each.key == key and each.stands), None)
    if standing is None:
        raise TraintuiError(
            "Not promoted", f'"{key}" has no column of its own.', "traintui db promote without a key lists those."
        )  # fmt: skip
    before = files(folder, known(every))
    if standing.state == "demoting" or is_waiting(before, standing.column, back=True):
        return before
    revision = next_revision(every, folder)
    back = planned_of(standing, revision, db.login)
    path = folder / file_name(revision, standing.column, back=True)
    follows = before[-1].revision if before else None
    return (*before, Migration(revision, path, render(back, revision, follows, back=True, needs=NEEDS), waits=True))


def known(every: Sequence[Promotion]) -> dict[str, Planned]:
    """What each migration that the database knows promotes; one whose own number is `demoted_in` takes it back."""
    found: dict[str, Planned] = {}
    for each in every:
        found[each.revision] = planned_of(each, None, None)
        if each.demoted_in is not None:
            found[each.demoted_in] = planned_of(each, each.demoted_in, each.demoted_by)
    return found


def files(folder: Path, known: Mapping[str, Planned]) -> tuple[Migration, ...]:
    """The files of what the database knows and what waits in the folder, in order. One of a machine that has none of
    them yet is made anew, the same."""
    there = in_folder(folder)
    found: list[Migration] = []
    for revision in sorted({*known, *there}):
        follows = found[-1].revision if found else None
        path, made = there.get(revision), ""
        if (planned := known.get(revision)) is not None:
            back = planned.demoted_in == revision
            made = render(planned, revision, follows, back=back, needs=NEEDS)
            if path is None:
                new = folder / file_name(revision, planned.column, back=back)
                found.append(Migration(revision, new, made, waits=False))
        if path is not None:
            text = path.read_text(encoding="utf-8")
            found.append(Migration(revision, path, text, planned is None, difference(made, text) if made else ""))
    return tuple(found)


def difference(made: str, text: str) -> str:
    """What of a file is not as it was made; empty where all is."""
    lines = difflib.unified_diff(made.splitlines(), text.splitlines(), "as it was made", "as it is", n=1, lineterm="")
    return "\n".join(lines)


def in_folder(folder: Path) -> dict[str, Path]:
    """The files that are there, by their revisions. Raises `TraintuiError` for Python that is none of them, or one of
    two with a revision: Alembic runs whatever stands in the folder, and a person sees one file for each revision."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.py")):
        revision = path.name.partition("_")[0]
        if not MIGRATION.fullmatch(path.name) or revision in found:
            raise TraintuiError(
                "Other Python in the folder",
                f"{path} would run with the migrations of the workspace, and "
                + (f"{found[revision].name} has its number." if revision in found else "is none of them."),
                "Nothing was run or changed. Take it out of the folder; what a migration needs stands in its own file.",
            )
        found[revision] = path
    return found


def planned_of(promotion: Promotion, back_in: str | None, back_by: str | None) -> Planned:
    """A promotion that the database knows, as its file has it."""
    return Planned(
        promotion.revision, promotion.key, promotion.column, promotion.value_type, promotion.listed,
        promotion.leaves_unfitting, promotion.promoted_by, back_in, back_by,
    )  # fmt: skip


def next_revision(every: Sequence[Promotion], folder: Path) -> str:
    """The number behind all that are taken, in the database or in the folder."""
    taken = [name for each in every for name in (each.revision, each.demoted_in) if name]
    taken += in_folder(folder)
    return f"w{max((int(name[1:]) for name in taken), default=0) + 1:04}"


def require_administrator(db: Database) -> None:
    """Raises `Refused` for who is none."""
    if db.role != "admin":
        raise Refused(
            "No right", f"{db.login} is no administrator of this workspace.",
            "Nothing was changed. Ask an administrator to do it.", code="TT004",
        )  # fmt: skip


def taken_back(conninfo: str, folder: Path | None) -> str | None:
    """What to say after an upgrade that made the place of these migrations anew: that a downgrade took back those of
    the folder, or, of a shared workspace whose folder nobody named, that values of a vocabulary came back. None where
    none was. Raises `psycopg.Error`."""
    again = "`traintui db promote KEY --type TYPE` runs them again"
    number = len([path for path in folder.glob("*.py") if MIGRATION.fullmatch(path.name)]) if folder else 0
    if number:
        them = "1 migration of this workspace was" if number == 1 else f"{number} migrations of this workspace were"
        return f"{them} taken back, so promoted keys have no column; {again}"
    with psycopg.connect(conninfo) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(schema.OWNER)))
        keys = [str(key) for (key,) in connection.execute("SELECT DISTINCT key FROM promoted_values ORDER BY key")]
    if keys:
        has = "has" if len(keys) == 1 else "have"
        return f"Migrations of this workspace were taken back, so {' and '.join(keys)} {has} no column; {again}"
    return None


# Applying ---------------------------------------------------------------------------------------------------------


def config_of(folder: Path) -> Config:
    """Alembic's configuration for ours and the workspace's, which are two branches."""
    config = schema.alembic_config()
    ours = schema.migrations_directory() / "versions"
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{ours}\n{folder.resolve()}".replace("%", "%%"))
    config.attributes["version_table"] = VERSION_TABLE
    return config


def apply(conninfo: str, folder: Path, progress: Progress | None = None) -> None:
    """Runs what waits in the folder to its end, or goes on where it was cut off. `conninfo` names a login that is a
    superuser or a member of the owner. Raises `TraintuiError`: what was reached stands, and the next time goes on."""
    from alembic import command

    in_folder(folder)
    config = config_of(folder)
    config.attributes["progress"] = progress
    schema.with_alembic(
        conninfo, lambda config: command.upgrade(config, f"{BRANCH}@head"), config=config,
        title="Migration of the workspace not done",
        progress=lambda words: progress(words, 0, 0) if progress else None,
    )  # fmt: skip
