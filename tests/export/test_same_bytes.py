"""The same export has the same bytes in another process too, whatever seed its hashes have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
WRITES = """
import hashlib, io, sys
sys.path.insert(0, sys.argv[1])
import orjson
from dataclasses import replace
from training_records import fetched_of, record_with, turns_of
from traintui.export.card import CardFacts, card
from traintui.export.containers import opened
from traintui.export.formats import FORMATS, Files
from traintui.export.manifest import FileFacts, ManifestFacts, Tally, write_manifest
from traintui.export.record import Decision, Revision, shape_of
from traintui.export.splits import Splitter

def one(number):
    return record_with(
        f"Question {number}?", "The better answer.", conversation_id=f"c-{number}", revision=2, persona="busy_parent",
        topic=f"topic_{number % 7}", metadata={"b": [1, None], "a": {"z": 1, "y": "x"}, str(number): number},
        earlier=(Revision(1, None, turns_of(f"Question {number}?", "No.")),), reviewer=f"rita_{number % 5}",
        decisions=(Decision("reject", 1, 2, "wrong"), Decision("edit", 2), Decision("approve", 2)), node=number + 1,
    )

records = [one(number) for number in range(40)]
shape, tally, splitter = shape_of(records), Tally(), Splitter(0.3)
for record in records:
    tally.add([fetched_of(record)])
    splitter.side_of(record.conversation_id, record.node, (record.topic,))
for name, format in FORMATS.items():
    for container in format.containers_for(shape):
        file = io.BytesIO()
        with opened(container, file, format.schema(shape) if format.schema else None) as writer:
            for record in records:
                for row in format.write(record, shape).rows:
                    writer.write(row)
        print(name, container, hashlib.sha256(file.getvalue()).hexdigest())
    for beside, text in format.companions(Files("a.jsonl", "b.jsonl"), shape).items():
        print(name, beside, text)
facts = ManifestFacts(
    "trl", 1, "jsonl", "0.1.0", "0033", "topic:topic_1", {"terms": []}, tally, (FileFacts("a.jsonl", 1, "00", 40),), 40,
    {"words": "all 40 pass"}, split=splitter.as_json(), labels=(3, 1),
)
file = io.BytesIO()
write_manifest(file, facts, [orjson.dumps([record.conversation_id, 2]) for record in records])
print(file.getvalue().decode(), card(CardFacts("A title", facts, "a.manifest.json")))
"""


def test_every_format_in_every_container_with_all_that_goes_beside_it() -> None:
    written = [
        subprocess.Popen(
            [sys.executable, "-c", WRITES, str(TESTS)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("1", "4242")
    ]  # fmt: skip
    first, second = (process.communicate(timeout=180)[0] for process in written)
    assert first == second and "trl-kto parquet" in first and "traintui jsonl" in first and "kept" in first
