"""Sources, prompts and clients for the tests of the rehearsal."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from anthropic import AsyncAnthropic
from anthropic.types import Message, MessageParam

from traintui.generation.rehearsal import RehearsalServer

MODEL = "claude-haiku-5-5"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "exchanges": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"user": {"type": "string"}, "assistant": {"type": "string"}},
                "required": ["user", "assistant"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["exchanges"],
    "additionalProperties": False,
}
FORMAT: dict[str, Any] = {"format": {"type": "json_schema", "schema": SCHEMA}}

FEES = """## Overdraft

We charge a fee when we pay an item that your balance does not cover.

| Service | Fee | Notes |
|---|---|---|
| Overdraft, paid item | $28 per item | No more than three per business day |
| Returned item (NSF) | $20 per item | |
| Overdraft transfer from savings | None | |
| Stop payment order | $30 | Valid for six months |

The overdraft fee is not charged when the account is overdrawn by $10 or less at the end of the business day.
If you bring the account back to zero by 6 p.m. Eastern Time, we waive the fee for that day. We do not charge
an overdraft fee on one-time debit card purchases unless you have opted in to Courtesy Pay. We refund the
first overdraft fee in a calendar year when you ask within 60 days.
"""
HANDBOOK = """# Joining

Anyone who lives, works or studies in Alder County can join. Family members of a current member may also join,
wherever they live. Membership starts when you open a share account with a deposit of $5.

To open an account, you need:

- a government photo ID
- your Social Security number or ITIN
- proof of address from the last 60 days

1. Fill in the application online or at any branch.
2. Show your ID to a member of staff.
3. Make the opening deposit of $5.

A joint owner does not have to be a member. If your application is declined, you can ask for the reason in
writing.
"""
HARDSHIP = """# Payment relief

Members who lose income, fall ill or separate from a partner may ask for payment relief. You should call us
before the due date at 555-0177. The request itself costs nothing.

- **Skip-a-payment:** We move one monthly payment to the end of the loan, up to twice in 12 months.
- **Reduced payment:** You pay interest only for up to six months.

You must send proof of income within 14 days of your request. A late fee of $25 is not charged while a request
is under review. We answer every complete request within five business days.
"""
SOURCES = {
    "Fee schedule": ("Everyday accounts > Overdraft", FEES, "Overdraft fees"),
    "Member handbook": ("Membership > Joining", HANDBOOK, "Joining the credit union"),
    "Hardship policy": ("Loans > Payment relief", HARDSHIP, "Payment relief"),
}


def prompt(
    *,
    document: str = "Fee schedule",
    persona: str = "Anxious planner - wants to know every consequence before acting",
    emotion: str = "worried - fears making a costly mistake",
    intent: str = "understand a charge",
    tone: str = "warm",
    tier: str = "template",
    exchanges: int = 3,
    variation: int | str = 1,
) -> str:
    """The user message as Traintui's template writes it."""
    heading, source, topic = SOURCES[document]
    return (
        f"<brief>\npersona: {persona}\nemotion: {emotion}\ntopic: {topic}\nintent: {intent}\n"
        f"tone: {tone}\ntier: {tier}\nexchanges: {exchanges}\nvariation: {variation}\n</brief>\n"
        f'<source document="{document}" heading="{heading}">\n{source}\n</source>'
    )


def said(text: str) -> list[MessageParam]:
    """One user message."""
    return [{"role": "user", "content": text}]


def client(server: RehearsalServer, *, timeout: float = 60.0) -> AsyncAnthropic:
    """The real SDK, strict about what it receives and never retrying."""
    return AsyncAnthropic(
        api_key="rehearsal", base_url=server.url, max_retries=0, timeout=timeout, _strict_response_validation=True
    )


async def ask(sdk: AsyncAnthropic, text: str | None = None, **more: Any) -> Message:
    """One structured request, not streamed."""
    options: dict[str, Any] = {"model": MODEL, "max_tokens": 4000, "output_config": FORMAT, **more}
    message = await sdk.messages.create(messages=said(text or prompt()), **options)
    assert isinstance(message, Message)
    return message


async def stream(sdk: AsyncAnthropic, text: str | None = None, **more: Any) -> tuple[list[str], str, Any]:
    """The same streamed: types of the events, text, and the last `message_delta` if one came."""
    options: dict[str, Any] = {"model": MODEL, "max_tokens": 4000, "output_config": FORMAT, **more}
    kinds: list[str] = []
    written, last = "", None
    async for event in await sdk.messages.create(messages=said(text or prompt()), stream=True, **options):
        kinds.append(event.type)
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            written += event.delta.text
        elif event.type == "message_delta":
            last = event
    return kinds, written, last


def text_of(message: Message) -> str:
    """The text of the only block of a message."""
    (block,) = message.content
    assert block.type == "text"
    return block.text


def exchanges_of(message: Message) -> list[dict[str, str]]:
    """The exchanges in a structured reply."""
    exchanges: list[dict[str, str]] = json.loads(text_of(message))["exchanges"]
    return exchanges


async def raw(server: RehearsalServer, data: bytes) -> tuple[int, dict[str, Any]]:
    """Bytes sent as they are on a new connection, then closed for writing: status and JSON body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)
