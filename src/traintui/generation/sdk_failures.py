"""What the exceptions of Anthropic's SDK and of its transport stand for."""

from __future__ import annotations

import anthropic
import httpx2

from traintui.generation.received import Received, refused
from traintui.generation.verdict import CallFailed


def failure_of(error: Exception) -> CallFailed:
    """The failure that an exception of the SDK or of its transport stands for."""
    match error:
        case CallFailed():
            return error
        case anthropic.APIStatusError():
            seen = Received(error.response.status_code, dict(error.response.headers))
            failure = refused(error.response.status_code, seen.headers, error.body)
            failure.request_id, failure.rate_limits = seen.request_id, seen.rate_limits
            return failure
        case anthropic.APIConnectionError():
            return _unreached(error.__cause__)
        case httpx2.TimeoutException():
            return CallFailed("silence", "The server fell silent in the middle of the reply.")
        case TimeoutError():
            return CallFailed("silence", "The reply was not finished in time.")
        case httpx2.HTTPError():
            return CallFailed("lost", f"The connection broke in the middle of the reply ({type(error).__name__}).")
        case _:
            return CallFailed("not_a_message", f"The answer could not be read ({type(error).__name__}).")


def _unreached(cause: BaseException | None) -> CallFailed:
    match cause:
        case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return CallFailed("connection", "The server did not take the connection in time.", sent=False)
        case httpx2.TimeoutException():
            return CallFailed("silence", "The server did not answer in time.")
        case httpx2.ConnectError():
            return CallFailed("connection", "The server cannot be reached.", sent=False)
        case _:
            return CallFailed("connection", f"The connection broke before the reply ({type(cause).__name__}).")
