"""The rehearsal as a process of its own, as a benchmark wants it, and what it says of itself in the end.

`python -m benchmarks.rehearsing` prints its address and, when it is asked to stop, one JSON object: what it was asked,
what it refused, its bill.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import orjson

from traintui.audit.redaction import redact
from traintui.generation.rehearsal import Faults, Limits, Pace, Recorded, RehearsalServer


@contextmanager
def rehearsing(*arguments: str) -> Iterator[Rehearsal]:
    """A rehearsal for the block; afterwards `told` has what it said."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.rehearsing", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    rehearsal = Rehearsal(process.stdout.readline().strip())
    try:
        yield rehearsal
    finally:
        process.send_signal(signal.SIGTERM)
        rehearsal.told = json.loads(process.stdout.read())
        process.wait(20)


class Rehearsal:
    """A rehearsal that runs: its address, and when it has ended what it said."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.told: dict[str, Any] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What makes a command work with it."""
        return {**os.environ, "TRAINTUI_API_BASE_URL": self.url, "ANTHROPIC_API_KEY": "rehearsal"}


async def run(chosen: argparse.Namespace) -> None:
    """Serves until it is asked to stop."""
    limits = Limits(chosen.requests, chosen.input_tokens, chosen.output_tokens)
    faults = Faults(json.loads(chosen.faults), seed=chosen.seed) if chosen.faults else None
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with RehearsalServer(limits=limits, faults=faults, pace=Pace(chosen.pace)) as server:
        print(server.url, flush=True)
        await stop.wait()
        asked = [each for each in server.requests if each.path == "/v1/messages"]
        said = {
            "requests": len(asked),
            "status": Counter(str(each.status) for each in asked),
            "asked": [told(each) for each in asked] if chosen.every else [],
            "bill": {model: str(usd) for model, usd in server.bill.usd.items()},
            "output_tokens": sum(server.bill.output_tokens.values()),
            "peak_in_flight": server.peak_in_flight,
        }
    print(json.dumps(said))


def told(request: Recorded) -> dict[str, Any]:
    """A request: what a ledger should know of it. `usage` is None where nothing was billed."""
    # As the ledger has it: without what is personal.
    kept: Any = redact(request.body).value
    body = orjson.dumps(kept["messages"][0]["content"])
    usage = asdict(request.usage) if request.usage else None
    return {
        "id": request.request_id, "text": hashlib.sha256(body).hexdigest(), "model": request.body["model"],
        "fault": request.fault, "status": request.status, "usage": usage, "received": request.received,
    }  # fmt: skip


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=Limits().requests)
    parser.add_argument("--input-tokens", type=int, default=Limits().input_tokens)
    parser.add_argument("--output-tokens", type=int, default=Limits().output_tokens)
    parser.add_argument("--pace", type=float, default=0.0, help="tokens a second; 0 is without delay")
    parser.add_argument("--faults", default="", help="a JSON object: fault to how often, 0 to 1")
    parser.add_argument("--every", action="store_true", help="tell every request in the end")
    parser.add_argument("--seed", type=int, default=0)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
