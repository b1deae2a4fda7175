"""What runs beside the work goes on after a fault, and says it."""

from __future__ import annotations

import asyncio

import pytest

from traintui.data import keeping_up
from traintui.data.keeping_up import beside


async def test_a_fault_beside_the_work_is_told_and_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping_up, "FAULT_SECONDS", 0.001)
    told: list[Exception] = []
    good, tries = asyncio.Event(), 0

    async def keep(stop: asyncio.Event) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ValueError(f"fault {tries}")
        good.set()
        await stop.wait()

    async with beside(keep, name="work", failed=told.append):
        await good.wait()
    assert [str(error) for error in told] == ["fault 1", "fault 2"]
    assert tries == 3


async def test_a_fault_that_nobody_is_told_of_is_raised_where_the_block_ends() -> None:
    async def keep(_: asyncio.Event) -> None:
        raise ValueError("fault")

    with pytest.raises(ValueError, match="fault"):
        async with beside(keep, name="work"):
            await asyncio.sleep(0)


async def test_work_that_is_done_is_not_begun_again() -> None:
    runs = 0

    async def keep(_: asyncio.Event) -> None:
        nonlocal runs
        runs += 1

    async with beside(keep, name="work"):
        for _ in range(5):
            await asyncio.sleep(0)
    assert runs == 1


async def test_work_that_ends_at_once_is_not_waited_for() -> None:
    begun, ended = asyncio.Event(), []

    async def keep(_: asyncio.Event) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async with beside(keep, name="work", at_once=True):
        await begun.wait()
    assert ended == ["cancelled"]
