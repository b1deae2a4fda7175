"""Which chunks to write from: those of documents, below headings, or by number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Protocol, TypeVar

from traintui.errors import TraintuiError
from traintui.generation.meant import nearest

PATH = " > "
"""Between a document and the headings below it, as in `fees > Accounts > Overdraft`."""


class Piece(Protocol):
    """A chunk, as far as a plan can name it."""

    @property
    def id(self) -> int: ...
    @property
    def document(self) -> str: ...
    @property
    def heading(self) -> str: ...


PieceT = TypeVar("PieceT", bound=Piece)


class Named(Protocol):
    """What names chunks: a plan, or its form."""

    @property
    def documents(self) -> Sequence[str]: ...
    @property
    def chunks(self) -> Sequence[int | str]: ...


def chosen(plan: Named, chunks: Sequence[PieceT]) -> tuple[PieceT, ...]:
    """The chunks of the documents and chunks that a plan names, in reading order; all, when it names none.

    Raises `TraintuiError` for one that there is not, with the nearest.
    """
    if not plan.documents and not plan.chunks:
        return tuple(chunks)
    ids = {chunk.id for name in plan.documents for chunk in of_document(name, chunks)}
    ids |= {chunk.id for wanted in plan.chunks for chunk in of_place(wanted, chunks)}
    return tuple(chunk for chunk in chunks if chunk.id in ids)


def naming(ids: Collection[int], chunks: Sequence[PieceT]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The documents and the chunks by which a plan names these of all chunks: whole documents by their names, the
    others by their numbers. Nothing where it is all of them."""
    wanted = set(ids)
    if wanted.issuperset(chunk.id for chunk in chunks):
        return (), ()
    documents: list[str] = []
    single: list[int] = []
    for name, group in groupby(sorted(chunks, key=lambda chunk: chunk.document), key=lambda chunk: chunk.document):
        pieces = [chunk.id for chunk in group]
        if wanted.issuperset(pieces):
            documents.append(name)
        else:
            single += [piece for piece in pieces if piece in wanted]
    return tuple(documents), tuple(single)


def of_document(name: str, chunks: Sequence[PieceT], *, key: str = "documents") -> list[PieceT]:
    """The chunks of a document. Raises `TraintuiError` when it has none, or there is no such document."""
    found = [chunk for chunk in chunks if chunk.document == name]
    if not found:
        known = list(dict.fromkeys(chunk.document for chunk in chunks))
        raise _not_there(f"`{key}`: there is no text of a document {name!r}{nearest(name, known)}", known)
    return found


def of_place(wanted: int | str, chunks: Sequence[PieceT], *, key: str = "chunks") -> list[PieceT]:
    """The chunk of that number, or those below a heading: `document > heading`, or a document as a whole.

    Raises `TraintuiError` when there is none.
    """
    if isinstance(wanted, int):
        found = [chunk for chunk in chunks if chunk.id == wanted]
        if not found:
            raise _not_there(f"`{key}`: there is no chunk {wanted}, or its document does not have it any more.", [])
        return found
    document, _, heading = wanted.partition(PATH)
    return below(heading, of_document(document, chunks, key=key), key=key)


def below(heading: str, chunks: Sequence[PieceT], *, key: str) -> list[PieceT]:
    """Those of a document's chunks that stand below a heading, given from the first level on; all when it is empty.

    Raises `TraintuiError` when there are none.
    """
    found = [chunk for chunk in chunks if not heading or f"{chunk.heading}{PATH}".startswith(f"{heading}{PATH}")]
    if not found:
        known = list(dict.fromkeys(chunk.heading for chunk in chunks if chunk.heading))
        raise _not_there(f"`{key}`: {chunks[0].document!r} has no heading {heading!r}{nearest(heading, known)}", known)
    return found


def _not_there(wrong: str, known: Sequence[str]) -> TraintuiError:
    shown = ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
    remedy = f"There are: {shown}." if known else "Import its document, or name another."
    return TraintuiError("Nothing to write from", wrong, remedy)
