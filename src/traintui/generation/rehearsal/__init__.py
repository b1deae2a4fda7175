"""The rehearsal: a Messages API on loopback that writes conversations by rule, for trying, teaching and testing.

It is a real server that the real SDK speaks to, so the path that is tried is the path that is used.
"""

from traintui.generation.rehearsal.faults import NAMES as FAULT_NAMES
from traintui.generation.rehearsal.faults import Faults
from traintui.generation.rehearsal.likeness import Likeness, like
from traintui.generation.rehearsal.limits import Limits
from traintui.generation.rehearsal.sending import Pace
from traintui.generation.rehearsal.server import Recorded, RehearsalServer, serve
from traintui.generation.rehearsal.usage import Bill, Usage

__all__ = [
    "FAULT_NAMES",
    "Bill",
    "Faults",
    "Likeness",
    "Limits",
    "Pace",
    "Recorded",
    "RehearsalServer",
    "Usage",
    "like",
    "serve",
]
