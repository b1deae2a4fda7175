"""Modules that take a moment to load, for screens that answer keys meanwhile."""

from __future__ import annotations

import asyncio
import importlib
from types import ModuleType


async def loaded(name: str) -> ModuleType:
    """The module of that name, imported in a thread where nobody has yet."""
    return await asyncio.to_thread(importlib.import_module, name)
