"""The files of one export: written beside their places, and there all together or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from traintui.data.unfinished import remove_left, sync_directory
from traintui.errors import TraintuiError
from traintui.export.manifest import FileFacts

BLOCK = 1 << 20
"""Bytes that are held before they are written: some milliseconds of a disk."""
PART = ".part"
OLD = ".old"


class HashedFile(io.RawIOBase):
    """A file that knows the SHA-256 of what was written, and how much that is in bytes. What it gets is held until
    `drain`, which may wait for the disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.sha256()
        self.size = self.held = 0
        self._pending: list[bytes] = []

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size

    def write(self, data: Any) -> int:
        """Takes it."""
        taken = data if isinstance(data, bytes) else bytes(data)
        size = len(taken)
        self._pending.append(taken)
        self.size += size
        self.held += size
        return size

    def take(self) -> bytes:
        """What is held, which is to be given to `put`."""
        pending, self._pending, self.held = b"".join(self._pending), [], 0
        return pending

    def put(self, taken: bytes) -> None:
        """Writes what was taken, in the order in which it was."""
        rest = memoryview(taken)
        while rest:
            rest = rest[self.file.write(rest) :]
        self.digest.update(taken)

    def drain(self) -> None:
        """Writes what is held."""
        self.put(self.take())


@dataclass(slots=True)
class Part:
    """A file on its way to its place. `rows` and `side` are those of its data, None where it has none."""

    name: str
    path: Path
    handle: IO[bytes]
    hashed: HashedFile
    rows: int | None = None
    side: str | None = None

    @property
    def file(self) -> BinaryIO:
        """What is written into."""
        return cast(BinaryIO, self.hashed)

    def draining(self, entries: Iterable[bytes]) -> Iterator[bytes]:
        """What is going to be written, while what was goes to the disk, however much it is. Blocks."""
        for entry in entries:
            if self.hashed.held >= BLOCK:
                self.hashed.drain()
            yield entry

    @property
    def facts(self) -> FileFacts:
        """It for the manifest; to be asked once all is written."""
        self.hashed.drain()
        return FileFacts(self.name, self.hashed.size, self.hashed.digest.hexdigest(), self.rows, self.side)


class FileSet:
    """What an export writes into a directory. As a context it leaves nothing behind unless `appear` was called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.parts: list[Part] = []
        self._made = directories_to_make(directory)
        self._replaced: list[tuple[Path, Path | None]] = []
        self._appeared = False

    def __enter__(self) -> FileSet:
        self.directory.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for part in self.parts:
            with contextlib.suppress(OSError, ValueError):
                part.handle.close()
            if not self._appeared:
                part.path.unlink(missing_ok=True)
        if not self._appeared:
            for made in self._made:
                with contextlib.suppress(OSError):
                    made.rmdir()

    def add(self, name: str, *, side: str | None = None) -> Part:
        """A file beside its place, open for writing. What a killed export left there of it is removed."""
        remove_leftovers(self.directory, name)
        descriptor, path = tempfile.mkstemp(prefix=f".{name}.", suffix=PART, dir=self.directory)
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # whoever finds it unlocked knows that nobody writes it
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(descriptor, 0o666 & ~mask)
        handle = os.fdopen(descriptor, "wb", buffering=0)
        hashed = HashedFile(handle)
        part = Part(name, Path(path), handle, hashed, side=side)
        self.parts.append(part)
        return part

    def add_text(self, name: str, content: str) -> Part:
        """A file with this text."""
        part = self.add(name)
        part.file.write(content.encode())
        return part

    @property
    def held(self) -> int:
        """Bytes that wait to be written."""
        return sum(part.hashed.held for part in self.parts)

    def drain(self) -> None:
        """Writes what is held."""
        self.draining()()

    def draining(self) -> Callable[[], None]:
        """Takes what is held; what this gives writes it, while more may come: one after the other, in any thread."""
        taken = [(part.hashed, part.hashed.take()) for part in self.parts if part.hashed.held]

        def write() -> None:
            for hashed, pending in taken:
                hashed.put(pending)

        return write

    def settle(self) -> None:
        """Waits until all of it is on the disk."""
        self.drain()
        for part in self.parts:
            os.fsync(part.handle.fileno())

    def appear(self) -> None:
        """Puts every file into its place. What stood there is kept until `forget_old`; raises `OSError`, and everything
        is as it was, when one cannot be put there."""
        try:
            for part in self.parts:
                place, old = self.directory / part.name, None
                if place.exists():
                    old = part.path.with_suffix(OLD)
                    os.link(place, old)
                self._replaced.append((place, old))
                part.path.replace(place)
            self._appeared = True
            sync_directory(self.directory)
        except OSError:
            self.take_back()
            raise

    def take_back(self) -> None:
        """Puts back what stood there before."""
        for place, old in reversed(self._replaced):
            if old is not None:
                with contextlib.suppress(FileNotFoundError):
                    old.replace(place)
            elif self._appeared or place.name in {part.name for part in self.parts if not part.path.exists()}:
                place.unlink(missing_ok=True)
        self._replaced.clear()
        self._appeared = False

    def forget_old(self) -> None:
        """Removes what stood there before."""
        for _, old in self._replaced:
            if old is not None:
                old.unlink(missing_ok=True)
        self._replaced.clear()


def directories_to_make(directory: Path) -> Sequence[Path]:
    """Those that are not there, the innermost first."""
    return [path for path in (directory, *directory.parents) if not path.exists()]


def remove_leftovers(directory: Path, name: str) -> None:
    """Removes what a killed export of this name left, if nobody writes it."""
    for path in directory.iterdir():
        if path.name.startswith(f".{name}.") and path.suffix in (PART, OLD):
            remove_left(path)


def checked_place(path: Path) -> Path:
    """The real path of the file to be: where a link leads to, for that is what is replaced. Raises `TraintuiError` when
    no file can appear there."""
    try:
        path = path.expanduser().resolve()
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, RuntimeError) as error:
        # Python 3.11 has a RuntimeError for a link that leads to itself, later ones leave it to the system.
        why = "it is a link that leads to itself" if is_loop(error) else getattr(error, "strerror", None) or str(error)
        raise TraintuiError("Not exported", f"{path} cannot be written: {why}.", "Name another place.") from error
    else:
        if path.is_dir():
            raise TraintuiError("Not exported", f"{path} is a directory.", "Name a file in it.")
        if not path.is_file():
            raise TraintuiError("Not exported", f"{path} is no file.", "Name a file.")
    above = next(parent for parent in path.parents if parent.exists())
    if not above.is_dir():
        raise TraintuiError("Not exported", f"{above} is a file, and no directory.", "Name another place.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise TraintuiError(
            "Not exported", f"you may not write in {above}.", "Name another place, or have its rights changed."
        )
    return path


def is_loop(error: BaseException) -> bool:
    """Whether a link leads to itself."""
    import errno

    return isinstance(error, RuntimeError) or getattr(error, "errno", None) == errno.ELOOP


def there_already(directory: Path, names: Sequence[str]) -> list[str]:
    """Which of the files are there."""
    return [name for name in names if (directory / name).exists()]
