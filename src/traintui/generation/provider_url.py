"""Where a key may be sent to."""

from __future__ import annotations

import ipaddress

import httpx2

from traintui.errors import TraintuiError


def trusted(address: str) -> httpx2.URL:
    """The address as a URL that a key may be sent to: https, or http to this machine or a private network.

    Raises `TraintuiError` for any other.
    """
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.host and not url.userinfo and (url.scheme == "https" or (url.scheme == "http" and _is_private(url.host))):
        return url
    raise TraintuiError(
        "Model server not usable",
        f"{url.host or 'The address'} is not an https:// address, nor one of a private network without a user name.",
        "Set TRAINTUI_API_BASE_URL to an address such as https://api.anthropic.com.",
    )


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))
