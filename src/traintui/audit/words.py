"""How what is found is said, where no screen is near."""

from __future__ import annotations


def number_of(count: int, noun: str) -> str:
    """So many of something."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
