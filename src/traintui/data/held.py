"""Reading tables that somebody may take for themselves at any moment, without waiting for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy import text

from traintui.data.refusals import Refused

T = TypeVar("T")

TRIES = 3
NOT_LONG = text("SET LOCAL lock_timeout = '200 ms'")
"""What a transaction begins with that leaves out what is held, and may meet what was taken since it looked."""


async def unheld(read: Callable[[], Awaitable[T]]) -> T:
    """What `read` returns, which looks what is held in a transaction that begins with `NOT_LONG`. Where something was
    taken after that look, it looks again. Raises `Refused` where that goes on."""
    for _ in range(TRIES - 1):
        try:
            return await read()
        except Refused as refused:
            if refused.code != "55P03":
                raise
    return await read()
