"""What was left out of an import, in a file beside it, to be mended and imported."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import BinaryIO

from traintui.errors import TraintuiError
from traintui.importing.conversations import LineProblem
from traintui.importing.files import shown
from traintui.importing.readers import is_json

MOST_FILES = 1_000


def records_of(raw: bytes) -> list[bytes]:
    """What stood in the place of one conversation, a record a line: a record of a JSON document may have many lines,
    and the turns of a table are records of their own, the first of which is whole where its line ends."""
    lines = raw.splitlines()
    if len(lines) > 1 and not is_json(lines[0]):
        return [b" ".join(lines)]  # JSON has no line feed that matters
    return lines


class BadRecords:
    """Takes records as the file has them, one a line. The file is made with the first; one that is there stays, since
    somebody may have mended it. `unkept` counts what could not be held, such as lines that are too long."""

    def __init__(self, beside: Path) -> None:
        self.path: Path | None = None
        self.kept = 0
        self.unkept = 0
        self._beside = beside
        self._file: BinaryIO | None = None

    def take(self, _problem: LineProblem, raw: bytes) -> None:
        """Writes one record. Raises TraintuiError where it cannot be written."""
        if not raw:
            self.unkept += 1
            return
        try:
            if self._file is None:
                self._file = self._made()
            self._file.write(b"".join(line + b"\n" for line in records_of(raw)))
        except OSError as error:
            raise self._unwritable(error) from error
        self.kept += 1

    def close(self) -> None:
        """Ends the file. Raises TraintuiError where the last of it cannot be written."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                raise self._unwritable(error) from error

    def discard(self) -> None:
        """Takes the file away again."""
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
            if self.path is not None:
                self.path.unlink(missing_ok=True)

    def _made(self) -> BinaryIO:
        stem = self._beside.name.split(".", 1)[0] or "import"
        for number in range(1, MOST_FILES):
            path = self._beside.with_name(f"{stem}.bad{f'-{number}' if number > 1 else ''}.jsonl")
            with contextlib.suppress(FileExistsError):
                file = path.open("xb")
                self.path = path
                return file
        raise FileExistsError(17, f"{MOST_FILES - 1} such files are there already")

    def _unwritable(self, error: OSError) -> TraintuiError:
        self.discard()
        return TraintuiError(
            "Bad lines not written",
            f"What is left out of {shown(self._beside)} cannot be written beside it: {error.strerror or error}.",
            "Copy the file to a folder that you may write to, with room. Nothing was stored.",
        )
