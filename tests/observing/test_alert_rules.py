"""What is seen becomes an alert at its second sight and goes by a bound of its own; a quiet month raises none."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from quiet_days import BEGIN, PER_DAY, days
from traintui.data.alert_records import Alert, AlertFacts, CallWindow, Chain, DeadRows, DiskAt, Transaction
from traintui.data.query_records import QueryPlan
from traintui.observing import latency
from traintui.observing.alert_kinds import KINDS, sentence, to_do
from traintui.observing.alert_rules import LabelWatch, Sighting, of_disk, of_plans, of_server
from traintui.observing.alert_watch import Watch

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
GB = 1_000_000_000
WELL = AlertFacts(
    at=BEGIN, sees_all=True, connections=8, most_connections=97, transactions=(), chains=(), dead=(), xid_age=1_000,
    freeze_age=200_000_000, partitions_missing=(), retention_due_at=BEGIN + DAY, retention_under_way=False,
    sampled_since=BEGIN - DAY, unsealed_since=None,
)  # fmt: skip


def kinds(facts: AlertFacts) -> dict[str, bool]:
    """What is seen of a server, and whether it opens an alert."""
    return {each.kind: each.opens for each in of_server(facts)}


def alert_of(sighting: Sighting) -> Alert:
    """The alert that a sighting opened."""
    says = sentence(sighting.kind, sighting.subject, sighting.evidence)
    severity = KINDS[sighting.kind].severity
    return Alert(
        1, sighting.kind, sighting.subject, severity, "open", says, dict(sighting.evidence), [], BEGIN, None, None, None
    )


def test_a_server_that_is_well_has_nothing_wrong() -> None:
    assert kinds(WELL) == {}


def test_each_fault_of_a_server_is_named() -> None:
    for change, kind in (
        ({"connections": 80}, "connections"),
        ({"transactions": (Transaction(7, "ada", "psql", "idle in transaction", 901, 2),)}, "long_transaction"),
        ({"chains": (Chain(7, "ada", "psql", "idle in transaction", 3, 11, "conversations"),)}, "blocking"),
        ({"dead": (DeadRows("conversations", 90_000, 100_000, 20_050, None),)}, "vacuum_behind"),
        ({"xid_age": 400_000_000}, "xid_age"),
        ({"partitions_missing": ("generation_logs_2026w41",)}, "partitions"),
        ({"retention_due_at": BEGIN - 3 * DAY}, "retention"),
        ({"retention_due_at": None, "sampled_since": BEGIN - 3 * DAY}, "retention"),
        ({"unsealed_since": BEGIN - 2 * HOUR}, "unsealed"),
    ):
        (seen,) = of_server(replace(WELL, **change))
        assert (seen.kind, seen.opens) == (kind, True)
        says = sentence(seen.kind, seen.subject, seen.evidence)
        assert len(says) > 20 and "{" not in says + to_do(seen.kind, seen.subject, seen.evidence)


def test_how_long_it_lasts_is_said_as_people_do_and_where_it_is_ended() -> None:
    long = Transaction(7, "ben", "psql", "idle in transaction", 3 * 3_600 + 61, 2)
    chain = Chain(7, "ben", "psql", "idle in transaction", 3, 899, "turns")
    blocking, transaction = sorted(
        of_server(replace(WELL, transactions=(long,), chains=(chain,))), key=lambda s: s.kind
    )
    said = sentence(transaction.kind, transaction.subject, transaction.evidence)
    assert said == "ben, process 7 (psql) is in a transaction for 3 h 1 min (idle in transaction), 2 wait for it"
    said = sentence(blocking.kind, blocking.subject, blocking.evidence)
    assert said == "ben, process 7 (psql) keeps 3 waiting, the longest for 14 min, for turns"
    for seen in (blocking, transaction):
        remedy = to_do(seen.kind, seen.subject, seen.evidence)
        assert remedy.startswith("5 Live, ") and "--end 7" in remedy and "pg_" not in remedy


def test_what_is_short_or_under_way_is_no_fault() -> None:
    assert kinds(replace(WELL, transactions=(Transaction(7, "ada", "psql", "active", 600, 0),))) == {}
    assert kinds(replace(WELL, chains=(Chain(7, "ada", "psql", "active", 1, 4, ""),))) == {"blocking": False}
    fresh = DeadRows("conversations", 90_000, 100_000, 20_050, BEGIN - 10 * MINUTE)
    assert kinds(replace(WELL, dead=(fresh,))) == {}
    assert kinds(replace(WELL, retention_due_at=BEGIN - 5 * DAY, retention_under_way=True)) == {}
    assert kinds(replace(WELL, retention_due_at=BEGIN - DAY)) == {}
    assert kinds(replace(WELL, unsealed_since=BEGIN - 10 * MINUTE)) == {}


def test_between_both_bounds_an_alert_goes_on_and_none_opens() -> None:
    between = replace(WELL, connections=72)
    assert kinds(between) == {"connections": False}
    watch = Watch()
    for step in range(10):
        assert watch.step(BEGIN + step * MINUTE, of_server(between), ()).opened == ()
    (sighting,) = of_server(replace(WELL, connections=90))
    for step in range(10):
        turned = watch.step(BEGIN + HOUR + step * MINUTE, of_server(between), (alert_of(sighting),))
        assert turned.over == () and len(turned.kept) == 1


def test_a_first_sight_opens_nothing_and_asks_for_another_look() -> None:
    chain = replace(WELL, chains=(Chain(7, "ada", "psql", "active", 1, 12, "turns"),))
    watch = Watch()
    first = watch.step(BEGIN, of_server(chain), ())
    assert first.opened == () and first.waits
    assert [each.kind for each in watch.step(BEGIN + 15 * timedelta(seconds=1), of_server(chain), ()).opened] == [
        "blocking"
    ]


def test_what_was_gone_in_between_is_seen_for_the_first_time_again() -> None:
    chain = replace(WELL, chains=(Chain(7, "ada", "psql", "active", 1, 12, "turns"),))
    watch = Watch()
    for step in range(6):
        facts = chain if step % 2 else WELL
        assert watch.step(BEGIN + step * MINUTE, of_server(facts), ()).opened == ()


def test_an_alert_is_over_when_it_was_not_seen_for_its_time() -> None:
    (sighting,) = of_server(replace(WELL, connections=90))
    alert = alert_of(sighting)
    watch = Watch()
    over = [watch.step(BEGIN + n * MINUTE, (), (alert,)).over for n in range(7)]
    assert over[:5] == [()] * 5 and over[5] == (alert,)


def test_a_process_that_slept_begins_to_look_anew() -> None:
    chain = replace(WELL, chains=(Chain(7, "ada", "psql", "active", 1, 12, "turns"),))
    watch = Watch()
    for hours in (0, 2, 4):
        assert watch.step(BEGIN + hours * HOUR, of_server(chain), ()).opened == ()


def test_what_is_to_be_copied_holds_nothing_that_somebody_wrote() -> None:
    forged = {"pid": "1); DROP TABLE turns; --", "subject": "x", "seconds": 1}
    assert "traintui db live --end PID," in to_do("long_transaction", "x; DROP TABLE turns", forged)
    assert to_do("vacuum_behind", "turns; DROP TABLE turns", {}).startswith("VACUUM (ANALYZE) TABLE;")
    assert to_do("vacuum_behind", "turns", {}).startswith("VACUUM (ANALYZE) turns;")
    assert to_do("of a newer version", "turns", {}) == ""


# Sizes


def sizes(free: list[float], database: list[float] | None = None) -> list[DiskAt]:
    """Gigabytes that were free, an hour apart, of 100; and those of the database."""
    held = database or [10.0] * len(free)
    return [
        DiskAt(BEGIN + n * HOUR, int(held[n] * GB), int(each * GB) if each >= 0 else None, 100 * GB)
        for n, each in enumerate(free)
    ]


def test_a_disk_that_is_full_within_two_weeks_is_told_with_the_days() -> None:
    (seen,) = of_disk(sizes([40 - n * 4 / 24 for n in range(120)]))  # 4 GB a day, 20 are left
    assert seen.kind == "disk_full" and seen.opens and 4.5 < seen.evidence["days"] < 5.5
    assert "the disk is full in 5 days" in sentence(seen.kind, "", seen.evidence)


def test_a_disk_that_lasts_is_no_alert_and_one_in_between_opens_none() -> None:
    assert list(of_disk(sizes([60 - n * 0.1 / 24 for n in range(120)]))) == []
    (seen,) = of_disk(sizes([60 - n * 3 / 24 for n in range(120)]))  # 45 GB at 3 a day
    assert not seen.opens


def test_what_comes_and_goes_is_no_growth() -> None:
    nightly = [60 - (8 if n % 24 < 3 else 0) for n in range(170)]
    assert list(of_disk(sizes([float(each) for each in nightly]))) == []
    assert list(of_disk(sizes([60.0 - n for n in range(10)]))) == []  # ten hours say nothing of weeks


def test_a_disk_with_hardly_anything_left_is_told_whatever_the_pace() -> None:
    (seen,) = of_disk(sizes([2.5] * 30))
    assert seen.kind == "disk_full" and seen.opens


def test_where_nobody_knows_the_disk_growth_is_told() -> None:
    growing = [4 + n * 0.5 / 24 for n in range(120)]
    (seen,) = of_disk(sizes([-1.0] * 120, growing))
    assert seen.kind == "growth" and seen.opens and "not known here" in sentence(seen.kind, "", seen.evidence)
    assert list(of_disk(sizes([-1.0] * 120, [each / 4 for each in growing]))) == []  # a small one may double


# What statements take


def watched(windows: list[CallWindow], most_ms: float = 500.0) -> list[Sighting]:
    """What is seen of a label after its last window."""
    watch = LabelWatch(most_ms)
    for window in windows:
        watch.add(window)
    return list(watch.sightings("a.b", windows[-1].begins_at + latency.WINDOW))


def calls(number: int, p95: float, *, errors: int = 0, at: int = 0) -> list[CallWindow]:
    """Windows that are all alike; the first is the `at`th of all."""
    return [CallWindow(BEGIN + (at + n) * latency.WINDOW, 100, errors, p95) for n in range(number)]


def test_a_label_that_fails_in_two_windows_is_told_and_one_in_one_is_not() -> None:
    well = calls(30, 5.0)
    assert [each.opens for each in watched([*well, *calls(1, 5.0, errors=30, at=30)])] == [False]
    (seen,) = watched([*well, *calls(2, 5.0, errors=30, at=30)])
    assert (seen.kind, seen.opens, seen.subject) == ("failing", True, "a.b")
    assert sentence(seen.kind, seen.subject, seen.evidence).startswith("a.b: 30 of 100 statements failed")


def test_a_label_that_nobody_asks_any_more_is_no_concern() -> None:
    watch = LabelWatch(500.0)
    for window in calls(3, 900.0):
        watch.add(window)
    assert {each.kind for each in watch.sightings("a.b", BEGIN + HOUR)} == {"slower", "too_long"}
    assert list(watch.sightings("a.b", BEGIN + DAY)) == []


def test_a_label_has_one_alert_against_its_normal_or_against_the_bound() -> None:
    slowed = watched([*calls(100, 40.0), *calls(2, 100.0, at=100)])
    assert [(each.kind, each.opens) for each in slowed] == [("slower", True), ("too_long", False)]
    assert "2.5 times the 40 ms" in sentence("slower", "a.b", slowed[0].evidence)
    new = watched(calls(3, 700.0))
    assert [(each.kind, each.opens) for each in new] == [("slower", False), ("too_long", True)]


def test_how_long_is_too_long_is_for_the_workspace_to_say() -> None:
    assert watched(calls(3, 700.0), most_ms=1_000.0) == []
    assert [each.kind for each in watched(calls(3, 70.0), most_ms=50.0) if each.opens] == ["too_long"]


# Plans


def plan(number: int, node: str, *, first: int, last: int) -> QueryPlan:
    """A plan that reads a table by such a node, seen from one hour to another."""
    tree = [{"Plan": {"Node Type": node, "Relation Name": "turns", "Plan Rows": 1, "Total Cost": 1.0}}]
    return QueryPlan("a.b", "s1", f"p{number}", "SELECT 1", tree, BEGIN + first * HOUR, BEGIN + last * HOUR)


def test_a_plan_that_reads_whole_what_an_index_led_to_is_told() -> None:
    flipped = [plan(2, "Seq Scan", first=50, last=51), plan(1, "Index Scan", first=1, last=49)]
    (seen,) = of_plans(flipped, {"turns": 90_000}, {}, BEGIN + 51 * HOUR)
    assert seen.kind == "plan_changed" and "reads all 90,000 rows of turns" in seen.evidence["why"]
    assert list(of_plans(flipped, {"turns": 900}, {}, BEGIN + 51 * HOUR)) == []  # a small table is read whole by right
    back = [plan(1, "Index Scan", first=1, last=52), plan(2, "Seq Scan", first=50, last=51)]
    assert list(of_plans(back, {"turns": 90_000}, {}, BEGIN + 52 * HOUR)) == []
    assert list(of_plans(flipped, {"turns": 90_000}, {}, BEGIN + 90 * HOUR)) == []  # nobody asks it any more


def test_two_plans_that_take_turns_are_no_change() -> None:
    turns = [plan(2, "Seq Scan", first=20, last=51), plan(1, "Index Scan", first=1, last=50)]
    (seen,) = of_plans(turns, {"turns": 90_000}, {}, BEGIN + 51 * HOUR)
    assert not seen.opens
    alone = [plan(2, "Seq Scan", first=20, last=53), plan(1, "Index Scan", first=1, last=50)]
    (seen,) = of_plans(alone, {"turns": 90_000}, {}, BEGIN + 53 * HOUR)
    assert seen.opens


def test_another_plan_is_told_where_it_is_slower_and_else_not() -> None:
    other = [plan(2, "Bitmap Heap Scan", first=50, last=52), plan(1, "Index Scan", first=1, last=49)]
    now = BEGIN + 52 * HOUR
    slow = {"a.b": [*calls(200, 10.0), *calls(8, 30.0, at=200)]}
    (seen,) = of_plans(other, {"turns": 90_000}, slow, now)
    assert "up to 30 ms instead of 10 ms" in seen.evidence["why"]
    assert list(of_plans(other, {"turns": 90_000}, {"a.b": calls(208, 10.0)}, now)) == []


# A month


def quiet(step: int, luck: random.Random) -> AlertFacts:
    """A server without a fault: exports, bulk actions, waits for a moment, weekends when nobody is there."""
    at = BEGIN + step * latency.WINDOW
    monday = at.weekday() == 0 and at.hour == 8 and at.minute == 0
    export = Transaction(7, "ada", "traintui", "active", luck.uniform(1, 880), 0)
    wait = Chain(9, "arthur", "traintui", "active", 1, luck.expovariate(1.5), "conversations")
    bulk = DeadRows("conversations", luck.randint(45_000, 200_000), 100_000, 20_050, at - luck.uniform(0.3, 3) * HOUR)
    return replace(
        WELL, at=at, connections=luck.randint(3, 66), xid_age=luck.randint(1_000, 250_000_000),
        transactions=(export,) if luck.random() < 0.1 else (), chains=(wait,) if luck.random() < 0.1 else (),
        dead=(bulk,) if luck.random() < 0.03 else (),
        retention_due_at=at - (2.6 * DAY if monday else luck.uniform(-20, 20) * HOUR),
        unsealed_since=at - (2 * DAY if monday else luck.uniform(0, 30) * MINUTE),
    )  # fmt: skip


def disk(step: int, luck: random.Random) -> DiskAt:
    """200 GB with backups that come and go, and a database that grows by a part of a GB a day."""
    free = 120 - step / PER_DAY * 0.2 - (6 if step % PER_DAY < 20 else 0) - luck.uniform(0, 2)
    return DiskAt(BEGIN + step * latency.WINDOW, int((10 + step / PER_DAY * 0.15) * GB), int(free * GB), 200 * GB)


def plans_of(step: int) -> list[QueryPlan]:
    """Each third day another plan that is none the worse."""
    hour = step // 4
    first = hour // 72 * 72
    return [
        plan(first, "Index Scan", first=first, last=hour),
        plan(first - 72, "Index Only Scan", first=first - 72, last=max(first - 1, first - 72)),
    ]


def month(seed: int) -> Iterator[Sighting]:
    """All alerts of thirty days without a fault, under all rules."""
    luck = random.Random(seed)
    labels = {f"label.{n}": list(days(30, 2.0 * 1.35**n, 100 * seed + n)) for n in range(14)}
    watches = {label: LabelWatch(500.0) for label in labels}
    watch, open_ones, sizes_seen = Watch(), list[Alert](), list[DiskAt]()
    recent: dict[str, list[CallWindow]] = {label: [] for label in labels}
    for step in range(30 * PER_DAY):
        of_windows: list[Sighting] = []
        for label, windows in labels.items():
            each = windows[step]
            failed = sum(luck.random() < 0.002 for _ in range(each.calls))
            found = CallWindow(each.begins_at, each.calls, failed, each.p95_ms)
            watches[label].add(found)
            recent[label] = [*recent[label][-PER_DAY * 2 :], found]
            of_windows += watches[label].sightings(label, each.begins_at + latency.WINDOW)
        if step % 4 == 0:
            sizes_seen.append(disk(step, luck))
        of_windows += of_disk(sizes_seen[-170:])
        now = BEGIN + step * latency.WINDOW
        of_windows += of_plans(plans_of(step), {"turns": 90_000}, {"a.b": recent["label.3"]}, now)
        for second in (0, 15, 30):  # the looks that a first sight asks for; what was short is over by then
            facts = replace(quiet(step, luck), at=now + timedelta(seconds=second))
            turned = watch.step(facts.at, (*of_server(facts), *of_windows), open_ones)
            yield from turned.opened
            open_ones = [each for each in open_ones if each not in turned.over]
            open_ones += [alert_of(sighting) for sighting in turned.opened]
            if not turned.waits:
                break


def test_thirty_days_without_a_fault_raise_two_alerts_at_most_under_all_rules() -> None:
    for seed in range(3):
        opened = list(month(seed))
        assert len(opened) <= 2, [(each.kind, each.subject, dict(each.evidence)) for each in opened]


def test_a_prepared_transaction_that_keeps_others_waiting_is_named_with_what_ends_it() -> None:
    chain = Chain(pid=0, login="", application="", state="", number=3, seconds=60.0, relation="documents")
    (found,) = of_server(replace(WELL, chains=(chain,)))
    says = sentence(found.kind, found.subject, found.evidence)
    assert says == "a prepared transaction keeps 3 waiting, the longest for 1 min, for documents"
    told = to_do(found.kind, found.subject, found.evidence)
    assert "ROLLBACK PREPARED" in told and "pg_cancel_backend" not in told
    held = Transaction(0, "ada", "prepared transaction nightly", "prepared", 2_000.0, 0)
    (found,) = of_server(replace(WELL, transactions=(held,)))
    assert found.subject == "ada, prepared transaction nightly"
    assert to_do(found.kind, found.subject, found.evidence) == told
