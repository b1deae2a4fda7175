"""Samples of the server, its tables and its indexes: who takes them, and what was taken."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, text

from traintui.data.engine import Database
from traintui.data.query_labels import UNLOGGED
from traintui.data.sample_models import IndexSample, ServerSample, TableSample
from traintui.data.sample_records import IndexAt, ServerAt, SizeAt, TableAt, Use

# A counter that fell began anew. The server adds up: a month has more samples than a screen has time for.
USES = text("""
    WITH steps AS (
        SELECT index_name, at, scans, blocks_hit, blocks_read, density, lag(scans) OVER one AS scans_before,
               lag(blocks_hit) OVER one AS hit_before, lag(blocks_read) OVER one AS read_before
        FROM index_samples WHERE at >= :since AND at < :until WINDOW one AS (PARTITION BY index_name ORDER BY at)
    )
    SELECT index_name, count(DISTINCT (at AT TIME ZONE 'UTC')::date) AS days,
           coalesce(sum(CASE WHEN scans >= scans_before THEN scans - scans_before
                             WHEN scans_before IS NOT NULL THEN scans END), 0) AS scans,
           coalesce(sum(CASE WHEN blocks_hit >= hit_before THEN blocks_hit - hit_before
                             WHEN hit_before IS NOT NULL THEN blocks_hit END), 0) AS blocks_hit,
           coalesce(sum(CASE WHEN blocks_read >= read_before THEN blocks_read - read_before
                             WHEN read_before IS NOT NULL THEN blocks_read END), 0) AS blocks_read,
           (array_agg(density ORDER BY at DESC) FILTER (WHERE density IS NOT NULL))[1] AS density
    FROM steps GROUP BY index_name
""")

# Since it was built, that is since it has its file; what a vacuum or an analyze has not counted has no entries yet.
GROWTHS = text("""
    WITH counted AS (
        SELECT index_name, file_number, at, index_bytes::double precision / entries AS each,
               last_value(file_number) OVER (PARTITION BY index_name ORDER BY at
                                             ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS newest
        FROM index_samples WHERE at >= :since AND at < :until AND is_valid AND entries >= 10000
    )
    SELECT index_name, (array_agg(each ORDER BY at DESC))[1] / (array_agg(each ORDER BY at))[1] AS growth
    FROM counted WHERE file_number = newest GROUP BY index_name
""")


# The last sample of each day before a moment, counted back from it: a look at the key for each.
SIZES_BY_DAY = text("""
    SELECT s.table_name, s.at, s.table_bytes + s.toast_bytes + s.index_bytes AS total_bytes
    FROM generate_series(0, :days - 1) AS back,
         LATERAL (SELECT max(at) AS at FROM table_samples
                  WHERE at > CAST(:until AS timestamptz) - make_interval(days => back + 1)
                    AND at <= CAST(:until AS timestamptz) - make_interval(days => back)) AS last
         JOIN table_samples AS s ON s.at = last.at
    ORDER BY s.table_name, s.at
""")


# A large tree whose density is not known since it was built, or for a day: that means to read all of it.
TO_MEASURE = text("""
    SELECT s.index_name
    FROM index_samples AS s JOIN pg_class AS c ON c.oid = to_regclass('public.' || quote_ident(s.index_name))
         JOIN pg_am AS am ON am.oid = c.relam AND am.amname = 'btree'
    WHERE s.at = (SELECT max(at) FROM index_samples) AND s.is_valid AND s.index_bytes >= 8000000
      AND s.index_name <> ALL(:without) AND NOT EXISTS (
          SELECT FROM index_samples AS known WHERE known.index_name = s.index_name AND known.density IS NOT NULL
            AND known.file_number = s.file_number AND known.at > s.at - interval '1 day')
    ORDER BY s.index_bytes DESC LIMIT 1
""")


async def hold(db: Database, holder: str, seconds: float) -> bool:
    """Whether this process samples for the next seconds; one does at a time."""
    values = {"holder": holder, "seconds": seconds}
    return bool((await db.call("SELECT hold_sampling(:holder, :seconds)", values, UNLOGGED)).scalar_one())


async def release(db: Database, holder: str) -> None:
    """Leaves sampling to others."""
    await db.call("SELECT release_sampling(:holder)", {"holder": holder}, UNLOGGED)


async def take(
    db: Database, holder: str, *, relations: bool, disk_free: int | None = None, disk: int | None = None
) -> datetime:
    """Takes a sample of the server, and of all tables and indexes where `relations` are asked for; returns its moment.
    The disk's sizes are in bytes. Raises `Refused` for who does not hold the lease."""
    values = {"holder": holder, "relations": relations, "free": disk_free, "disk": disk}
    asked = "SELECT take_sample(:holder, :relations, CAST(:free AS bigint), CAST(:disk AS bigint))"
    moment: datetime = (await db.call(asked, values, UNLOGGED)).scalar_one()
    return moment


async def to_measure(db: Database, without: Collection[str] = ()) -> str | None:
    """The largest index all of which is to be read for its density, but for those of these names; None where there is
    none. By the key of index_samples and ix_index_samples_index_name_at."""
    async with db.read(UNLOGGED) as connection:
        found: str | None = await connection.scalar(TO_MEASURE, {"without": [*without]})
    return found


async def measure(db: Database, holder: str, index: str) -> float | None:
    """Reads all of an index and adds how full it is to its newest sample; that, 0 to 1, None where nobody can say it.
    Raises `Refused` for who does not hold the lease, and where the server's time limit ends it."""
    values = {"holder": holder, "index": index}
    density: float | None = (
        await db.call("SELECT measure_sampled_index(:holder, :index)", values, UNLOGGED)
    ).scalar_one()
    return density


async def thin(db: Database) -> int:
    """Keeps one sample an hour of what is two days old, one a day after 35 days, none after 400. Returns how many rows
    went."""
    return int((await db.call("SELECT thin_samples()", {}, UNLOGGED)).scalar_one())


async def server(db: Database, since: datetime, until: datetime) -> tuple[ServerAt, ...]:
    """The server at each moment of that time, in its order. By the key of server_samples."""
    columns = [getattr(ServerSample, name) for name in ServerAt.__slots__]
    statement = select(*columns).where(ServerSample.at >= since, ServerSample.at < until).order_by(ServerSample.at)
    async with db.read() as connection:
        return tuple(ServerAt(*row) for row in await connection.execute(statement))


async def tables(db: Database, since: datetime, until: datetime, *, name: str | None = None) -> tuple[TableAt, ...]:
    """Each table, or one, at each moment of that time, in its order. By the key of table_samples."""
    columns = [getattr(TableSample, name) for name in TableAt.__slots__]
    statement = select(*columns).where(TableSample.at >= since, TableSample.at < until)
    if name is not None:
        statement = statement.where(TableSample.table_name == name)
    async with db.read() as connection:
        found = await connection.execute(statement.order_by(TableSample.at, TableSample.table_name))
        return tuple(TableAt(*row) for row in found)


async def sizes_by_day(db: Database, days: int, until: datetime) -> dict[str, tuple[SizeAt, ...]]:
    """The size of each table at the end of each of so many days, the last of which ends at `until`, by its name. By the
    key of table_samples."""
    found: dict[str, list[SizeAt]] = {}
    async with db.read() as connection:
        for name, at, total_bytes in await connection.execute(SIZES_BY_DAY, {"days": days, "until": until}):
            found.setdefault(name, []).append(SizeAt(at, int(total_bytes)))
    return {name: tuple(sizes) for name, sizes in found.items()}


async def indexes(db: Database, since: datetime, until: datetime, *, name: str | None = None) -> tuple[IndexAt, ...]:
    """Each index, or one, at each moment of that time, in its order. By the key of index_samples, or
    ix_index_samples_index_name_at."""
    columns = [getattr(IndexSample, name) for name in IndexAt.__slots__]
    statement = select(*columns).where(IndexSample.at >= since, IndexSample.at < until)
    if name is not None:
        statement = statement.where(IndexSample.index_name == name)
    async with db.read() as connection:
        found = await connection.execute(statement.order_by(IndexSample.at, IndexSample.index_name))
        return tuple(IndexAt(*row) for row in found)


async def uses(db: Database, since: datetime, until: datetime) -> dict[str, Use]:
    """How each index was used in that time, by its name. By the key of index_samples."""
    async with db.read() as connection:
        return {
            row.index_name: Use(row.days, int(row.scans), int(row.blocks_hit), int(row.blocks_read), row.density)
            for row in await connection.execute(USES, {"since": since, "until": until})
        }


async def growths(db: Database, since: datetime, until: datetime) -> dict[str, float]:
    """How many times the bytes for each entry each index takes that it took when it was built, or first sampled since,
    by its name; those that have some entries. By the key of index_samples."""
    async with db.read() as connection:
        return {
            row.index_name: float(row.growth)
            for row in await connection.execute(GROWTHS, {"since": since, "until": until})
        }
