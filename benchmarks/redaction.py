"""What redaction finds, what it takes without need, and how quickly.

    python -m benchmarks.redaction --rows 8000 [--runs 5] [--misses] [--json]

Records in ten languages as sentences, chats, payloads and log lines; half of them hold values that were planted, all
hold numbers of things. A planted value counts as found when nothing of it is left in the record; whatever else was
taken was taken wrongly. `--misses` prints some of both.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.redaction_corpus import KINDS, Sample, corpus
from benchmarks.report import Figure, median, publish
from traintui.audit.redaction import redact


@dataclass(slots=True)
class Tally:
    """What was planted and found, by kind, and how many tokens stand for what was not planted."""

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    misses: list[str] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Redacts a record and looks what became of it."""
        redacted = redact(sample.record)
        left = json.dumps(redacted.value, ensure_ascii=False)
        gone = 0
        for each in sample.planted:
            self.planted[each.kind] += 1
            if _rest(each.said) in _plain(left):
                self.misses.append(f"missed {each.kind}: {each.word} {each.said!r} in a {sample.shape}: {left[:400]}")
            else:
                self.found[each.kind] += 1
                gone += 1
        over = sum(redacted.counts.values()) - gone
        if over > 0:
            self.wrong += over
            self.misses.append(f"wrong {redacted.counts} of {[each.kind for each in sample.planted]}: {left}")


def _plain(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum())


def _rest(said: str) -> str:
    """What of a value must not be left: of a connection string its login, of a header or a name what it carries."""
    if "://" in said:
        said = said.split("://", 1)[1].rsplit("@", 1)[0].lstrip(":")
    return _plain(said.removeprefix("Bearer ").rpartition("=")[2])


def found_in(samples: Sequence[Sample]) -> Tally:
    """What redaction makes of them."""
    tally = Tally()
    for sample in samples:
        tally.add(sample)
    return tally


def megabytes_a_second(samples: Sequence[Sample], runs: int) -> float:
    """The middle of several runs, in MB of JSON a second of this thread."""
    size = sum(sample.size for sample in samples)
    speeds = []
    for _ in range(runs):
        began = time.thread_time()
        for sample in samples:
            redact(sample.record)
        speeds.append(size / 1e6 / (time.thread_time() - began))
    return median(speeds)


def measured(rows: int, runs: int) -> tuple[dict[str, Figure], list[str]]:
    """The figures, and what was missed or taken wrongly."""
    samples = corpus(rows)
    tally = found_in(samples)
    found = sum(tally.found.values())
    figures = {
        f"recall_{kind}": Figure(round(tally.found[kind] / tally.planted[kind], 4), "of 1", 0.98, at_least=True)
        for kind in KINDS
        if tally.planted[kind]
    }
    figures["recall"] = Figure(round(found / max(1, tally.planted.total()), 4), "of 1", 0.98, at_least=True)
    figures["precision"] = Figure(round(found / max(1, found + tally.wrong), 4), "of 1", 0.98, at_least=True)
    clean = [sample for sample in samples if not sample.planted]
    figures["speed"] = Figure(megabytes_a_second(samples, runs), "MB/s", 1.0, at_least=True)
    figures["speed_clean"] = Figure(megabytes_a_second(clean, runs), "MB/s", 1.0, at_least=True)
    return figures, tally.misses


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--misses", action="store_true", help="Prints what was missed and what was taken wrongly.")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures, misses = measured(chosen.rows, chosen.runs)
    publish("redaction", chosen.rows, figures, misses[:200] if chosen.misses else [], as_json=chosen.json)


if __name__ == "__main__":
    main()
