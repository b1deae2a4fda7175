"""Just enough HTTP/1.1 on raw asyncio streams.

Raw, because the faults need it: a web framework would not let a body be cut or a connection go silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

MAX_HEAD = 32 * 1024
MAX_BODY = 32 * 1024 * 1024
"""The size above which the API answers 413."""
MAX_BATCH = 256 * 1024 * 1024
"""The same for a batch."""

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    529: "Overloaded",
}
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class BadRequest(Exception):
    """What came in is not an HTTP request that can be answered; the connection closes after the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request as read from the socket; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool
    query: Mapping[str, str] = field(default_factory=dict)


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request of a connection, or None when the other side has closed it between two requests.

    Raises `BadRequest` for anything that is not a well-formed request of a sane size.
    """
    head = await _read_head(reader)
    if head is None:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = _request_line(first)
    path, _, query = target.partition("?")
    headers = _headers(lines)
    most = MAX_BATCH if path.rstrip("/").endswith("/batches") else MAX_BODY
    body = await _read_body(reader, writer, headers, most)
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection and (version == "HTTP/1.1" or "keep-alive" in connection)
    return Request(method, path, headers, body, keep_alive, dict(parse_qsl(query)))


async def _read_head(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise BadRequest("The request ended before its headers did.") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest(f"The request headers are larger than {MAX_HEAD} bytes.") from error
    return head[:-4].lstrip(b"\r\n")


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] not in METHODS or parts[2] not in {"HTTP/1.0", "HTTP/1.1"}:
        raise BadRequest("The request line is not HTTP/1.1.")
    if not parts[1].startswith("/"):
        raise BadRequest("The request target must be a path.")
    return parts[0], parts[1], parts[2]


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest("A header line has no name.")
        headers[name.lower()] = value.strip()
    return headers


async def _read_body(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: Mapping[str, str], most: int
) -> bytes:
    if "transfer-encoding" in headers:
        raise BadRequest("Send the body with a content-length; chunked requests are not read here.")
    stated = headers.get("content-length", "0")
    if not (stated.isascii() and stated.isdigit()):
        raise BadRequest("content-length must be a whole number of bytes.")
    if len(stated) > 12 or int(stated) > most:
        raise BadRequest(f"The request is larger than {most} bytes.", status=413)
    length = int(stated)
    if length and headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
    try:
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise BadRequest("The request body is shorter than its content-length.") from error


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and headers of a response."""
    lines = [
        f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def write_json(
    writer: asyncio.StreamWriter, status: int, payload: Any, headers: Mapping[str, str], *, keep_alive: bool = True
) -> None:
    """One complete JSON response."""
    await write_bytes(writer, status, orjson.dumps(payload), "application/json", headers, keep_alive=keep_alive)


async def write_bytes(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    content_type: str,
    headers: Mapping[str, str],
    *,
    keep_alive: bool = True,
) -> None:
    """One complete response with a content-length."""
    every = {
        **headers,
        "content-type": content_type,
        "content-length": str(len(body)),
        "connection": "keep-alive" if keep_alive else "close",
    }
    writer.write(head(status, every) + body)
    await writer.drain()


class Chunks:
    """A chunked response body: opened with its headers, fed with bytes, ended once."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def open(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        """Send the status line and headers."""
        every = {**headers, "content-type": content_type, "cache-control": "no-cache", "transfer-encoding": "chunked"}
        self._writer.write(head(status, every))
        await self._writer.drain()

    async def send(self, data: bytes) -> None:
        """Send one chunk; nothing is sent for no bytes, since an empty chunk would end the body."""
        if data:
            self._writer.write(f"{len(data):x}\r\n".encode("ascii") + data + b"\r\n")
            await self._writer.drain()

    async def end(self) -> None:
        """Send the last chunk."""
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()
