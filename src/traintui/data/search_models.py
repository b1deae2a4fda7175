"""The tables in which text and metadata are looked up, and the queue of what is to be looked up anew."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ForeignKey, Identity, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base


class SearchPending(Base):
    """A conversation whose turns, or whose metadata, are not looked up as they stand now. May be queued many times."""

    __tablename__ = "search_pending"
    __table_args__ = (Index("ix_search_pending_conversation_id_of_turns", "conversation_id", "of_turns"),)
    of_turns: Mapped[bool] = mapped_column(Boolean(), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    conversation_id: Mapped[int]


class SearchTurn(Base):
    """The words of a turn, or of a piece of a long one; `piece` is the character of the turn at which it begins."""

    __tablename__ = "search_turns"
    __table_args__ = (
        Index(
            "ix_search_turns_words", "words", postgresql_using="gin", postgresql_with={"gin_pending_list_limit": 1024}
        ),
    )
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    turn_number: Mapped[int] = mapped_column(INT, primary_key=True, autoincrement=False)
    piece: Mapped[int] = mapped_column(INT, primary_key=True, autoincrement=False)
    words: Mapped[str] = mapped_column(TSVECTOR())


class SearchMetadata(Base):
    """A copy of metadata that is not empty. A table of its own, so that a decision does not pay for its index."""

    __tablename__ = "search_metadata"
    __table_args__ = (
        Index(
            "ix_search_metadata_metadata",
            "metadata",
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 1024},
        ),
    )
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
