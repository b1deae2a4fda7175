"""Files as they are inside: gzip and Zstandard are told by their first bytes and unpacked while they are read."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from traintui.errors import TraintuiError
from traintui.importing.files import opened, shown, unreadable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Compression = Literal["gzip", "zstd"]

CHUNK = 1 << 20
MOST_RATIO = 250
"""Bytes that one stored byte may become. Conversations become 3 to 30, the most repetitive ones some 100."""
FREE = 64_000_000
"""Bytes that any file may become, whatever its ratio."""

_OTHERS = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"7z\xbc\xaf": "a 7z archive",
}


class Reader(Protocol):
    """What gives bytes in portions."""

    def read(self, size: int = ..., /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


class Broken(Exception):
    """A file that cannot be read on; who knows the line makes a `TraintuiError` of it, unless `line` says it."""

    def __init__(self, title: str, what: str, remedy: str, *, line: int | None = None) -> None:
        super().__init__(title)
        self.line = line
        self.title = title
        self.what = what
        self.remedy = remedy


def swollen() -> Broken:
    """The answer to a file that is a trap."""
    return Broken(
        "File swells beyond reason",
        f"it becomes more than {MOST_RATIO} times as large when it is unpacked, as only a trap does",
        "If you trust it, unpack it and import what is inside.",
    )


def compression_of(path: Path, head: bytes) -> Compression | None:
    """What the first bytes of a file say. Raises TraintuiError for an archive that is not read."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    for mark, name in _OTHERS.items():
        if head.startswith(mark):
            raise TraintuiError(
                "Not unpacked", f"{shown(path)} is {name}.", "Unpack it, or compress it with gzip or zstd."
            )
    return None


@contextmanager
def inflated(path: Path) -> Iterator[Inflated]:
    """The bytes inside a file. Raises TraintuiError if it cannot be opened; reading raises it, or `Broken`."""
    with opened(path) as source:
        try:
            head = source.read(8)
            source.seek(0)
        except OSError as error:
            raise unreadable(path, error) from error
        yield Inflated(path, source, compression_of(path, head))


class Inflated:
    """The bytes of a file, unpacked portion by portion; what swells beyond reason is refused after some megabytes."""

    def __init__(self, path: Path, source: BinaryIO, compression: Compression | None) -> None:
        self.path = path
        self.compression = compression
        self._source = source
        self._given = 0
        self._broken: Broken | None = None
        self._inner: gzip.GzipFile | zstd.ZstdFile | None = None
        if compression == "gzip":
            self._inner = gzip.GzipFile(fileobj=source, mode="rb")
        elif compression == "zstd":
            self._inner = zstd.ZstdFile(source, mode="rb")

    def read(self, size: int = CHUNK, /) -> bytes:
        """At most `size` bytes; none at the end. Raises `Broken` where the file is damaged, or a bomb; what comes
        before that place is given first."""
        if self._inner is None:
            try:
                return self._source.read(size)
            except OSError as error:
                raise unreadable(self.path, error) from error
        if self._broken is not None:
            raise self._broken
        parts = []
        while size > 0 and (part := self._part(self._inner, size)):
            parts.append(part)
            size -= len(part)
        if not parts and self._broken is not None:
            raise self._broken
        return b"".join(parts)

    def _part(self, inner: gzip.GzipFile | zstd.ZstdFile, size: int) -> bytes:
        """Some bytes; none at the end, or where `_broken` then says what is wrong."""
        try:
            data = inner.read1(size)
        except EOFError:
            self._broken = Broken("File cut off", "the compressed data ends in the middle", "Copy or fetch it again.")
            return b""
        except (gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
            what = f"the {self.compression} data cannot be unpacked ({error})"
            self._broken = Broken("File damaged", what, "Copy or fetch it again.")
            return b""
        except OSError as error:
            raise unreadable(self.path, error) from error
        self._given += len(data)
        if self._given > max(FREE, MOST_RATIO * self._source.tell()):
            self._broken = swollen()
            return b""
        return data
