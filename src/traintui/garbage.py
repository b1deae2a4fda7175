"""What is not needed any more: Python's search for garbage in cycles, moved to when nobody waits for the screen.

A full collection stops everything for 40 to 100 ms once a page of a large table has been drawn a few times: in the
middle of a key press that is most of the time that its answer takes.
"""

from __future__ import annotations

import ctypes
import gc

OFTEN, SELDOM, HARDLY_EVER = 2_000, 10, 1_000
"""Objects, collections of young ones, and collections of middle-aged ones after which the next older are looked
through. Full collections by themselves remain as the last resort."""
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Only glibc has it."""


def tidy() -> None:
    """Collects all of it, when enough has been made since the last time, and returns what is free. To be called when
    nothing has happened for a while."""
    if gc.get_count()[2]:
        gc.collect()
    give_back()


def settle() -> None:
    """What is there now stays, and is never looked through again; from now on full collections are made by `tidy`."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OFTEN, SELDOM, HARDLY_EVER)


def give_back() -> None:
    """Returns free memory to the system where the C library can: a copy of a million rows is read in pieces, and what
    they leave free between the parts that stay is 20 MB. Takes 0.4 ms where there is little to return."""
    if _trim is not None:
        _trim(0)
