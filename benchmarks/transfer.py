"""Files out of a workspace and into one: how quickly, and in what memory.

    python -m benchmarks.transfer --rows 200000 [--home DIR] [--only import export] [--json]

Conversations have ten turns. Each part is a module beside this one; `--only` names those that are measured. With
`--home` the workspace that is exported and the file that is imported are made once; a million takes some 30 GB there.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.report import Figure, publish
from benchmarks.transfer_export import exported
from benchmarks.transfer_import import brought

Part = Callable[[Path, int], Awaitable[dict[str, Figure]]]
PARTS: dict[str, Part] = {"import": brought, "export": exported}
"""Each takes a directory that is its own or kept, and how many conversations there are to be. The import comes first,
for its memory is that of this process."""


async def measured(names: list[str], home: Path, rows: int) -> dict[str, Figure]:
    """The figures of these parts, one after the other."""
    figures: dict[str, Figure] = {}
    for name in names:
        figures |= await PARTS[name](home, rows)
    return figures


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--home", type=Path, help="Keeps the workspace for the next time.")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="traintui-transfer-") as scratch:
        Path(scratch).chmod(0o711)  # the server of root has an account of its own
        home = chosen.home or Path(scratch)
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        figures = asyncio.run(measured(chosen.only, home, chosen.rows))
    publish("transfer", chosen.rows, figures, [f"{', '.join(chosen.only)}; ten turns each"], as_json=chosen.json)


if __name__ == "__main__":
    main()
