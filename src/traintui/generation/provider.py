"""Whom the calls go to, and whether that is the rehearsal."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from traintui.errors import TraintuiError
from traintui.settings import Settings

REHEARSAL_SERVER = re.compile(rb"^server: traintui-rehearsal(?:/(?P<like>[a-z]+))?\r$", re.MULTILINE | re.IGNORECASE)
"""What the rehearsal server calls itself in every answer, with the kind of server that it plays where it is another."""
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class Provider:
    """An address that speaks the Messages API, and the key for it. `endpoint` is what the ledger calls it: host, port
    and path, never a user name; for the rehearsal with that word before, and behind it what kind of server it plays."""

    base_url: str | None
    api_key: str = field(repr=False)
    endpoint: str
    is_rehearsal: bool


async def provider_of(settings: Settings) -> Provider:
    """The provider of these settings. Raises `TraintuiError` without a key for it, or when a local one is silent."""
    base_url = settings.api_base_url
    if base_url is not None and (like := await rehearsed(base_url)) is not None:
        endpoint = f"rehearsal {endpoint_of(base_url)}" + (f" like {like}" if like else "")
        return Provider(base_url, "rehearsal", endpoint, is_rehearsal=True)
    key = settings.anthropic_api_key.get_secret_value() if settings.anthropic_api_key else ""
    if not key:
        raise TraintuiError(
            "No API key",
            "ANTHROPIC_API_KEY is not set, and a real generation needs one.",
            "Set it and start again, or try without one: `traintui demo`, or TRAINTUI_API_BASE_URL to a rehearsal.",
        )
    return Provider(base_url, key, endpoint_of(base_url) if base_url else "api.anthropic.com", is_rehearsal=False)


def endpoint_of(base_url: str) -> str:
    """Host, port and path of an address: what two providers differ in, and nothing that is secret."""
    url = urlsplit(base_url)
    return url.netloc.rpartition("@")[2].lower() + url.path.rstrip("/")


async def provider_like(settings: Settings, *, is_rehearsal: bool) -> Provider:
    """The provider of these settings, which must be of the kind that a batch was begun with. Raises `TraintuiError`."""
    provider = await provider_of(settings)
    if provider.is_rehearsal != is_rehearsal:
        kinds = ("the rehearsal", "a real provider")
        of, now = kinds if is_rehearsal else reversed(kinds)
        raise TraintuiError(
            "Another provider",
            f"this batch was begun with {of}, and this app works with {now}; nothing was changed.",
            "Start Traintui with the TRAINTUI_API_BASE_URL that it was begun with.",
        )
    return provider


async def is_rehearsal(base_url: str) -> bool:
    """Whether the rehearsal answers at an address of this machine. Raises as `rehearsed` does."""
    return await rehearsed(base_url) is not None


async def rehearsed(base_url: str) -> str | None:
    """The kind of server that the rehearsal at an address of this machine plays, "" for the Messages API itself; None
    where another server answers. Asked on the plain root, which is no model call.

    Raises `TraintuiError` when the address is on this machine and nothing answers there.
    """
    url = urlsplit(base_url)
    if url.hostname not in LOOPBACK or url.scheme != "http":
        return None
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
            try:
                writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                await writer.drain()
                head = await reader.read(4096)
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        raise TraintuiError(
            "Provider not reached",
            f"nothing answers at {url.scheme}://{endpoint_of(base_url)} (TRAINTUI_API_BASE_URL).",
            f"Start it, for instance with `traintui rehearsal --port {url.port or 8000}`, or unset the variable.",
        ) from error
    found = REHEARSAL_SERVER.search(head)
    return None if found is None else (found["like"] or b"").decode()
