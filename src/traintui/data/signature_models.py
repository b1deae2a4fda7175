"""The tables by which conversations that say nearly the same are found."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from traintui.data.models import INT, Base


class ConversationSignature(Base):
    """The MinHash of what a revision of a conversation says."""

    __tablename__ = "conversation_signatures"
    __table_args__ = (CheckConstraint("octet_length(signature) = 240", name="signature"),)
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    revision: Mapped[int] = mapped_column(INT)
    signature: Mapped[bytes]


class ConversationBand(Base):
    """A part of a signature: what shares one may be alike. A trigger keeps the rows beside the signatures."""

    __tablename__ = "conversation_bands"
    band: Mapped[int] = mapped_column(INT, primary_key=True, autoincrement=False)
    conversation_id: Mapped[int] = mapped_column(INT, primary_key=True, autoincrement=False)


class SignaturePending(Base):
    """A conversation that was imported or edited, and is not signed yet. May be queued many times."""

    __tablename__ = "signature_pending"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    conversation_id: Mapped[int]
