"""The calls to the batch endpoints: which verb on which batch, and the faults on the way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from traintui.generation.rehearsal.batches import PATH, Batch, Batches, pieces
from traintui.generation.rehearsal.faults import ERRORS, ApiError
from traintui.generation.rehearsal.http import Chunks, head, write_bytes, write_json
from traintui.generation.rehearsal.messages import error_payload
from traintui.generation.rehearsal.sending import GATEWAY_PAGE, Answer, Gone, hang

JSON_LINES = "application/x-jsonl"
_ONE = re.compile(re.escape(PATH) + r"/(?P<id>[A-Za-z0-9_]+)(?:/(?P<verb>cancel|results))?")


async def answer_batch_call(
    batches: Batches, method: str, path: str, query: Mapping[str, str], body: Any, version: str, answer: Answer,
    retry_after: int = 1,
) -> tuple[int | None, str | None]:  # fmt: skip
    """Answers one call; the status that was sent, if one was, and the fault. Raises `Gone` when the line drops."""
    fault = batches.call_fault()
    if fault in ERRORS:
        return await _refuse(answer, ERRORS[fault], retry_after), fault
    if fault == "unmade":
        raise Gone
    made = _made(batches, method, path, query, body, version)
    match fault:
        case "reset":
            raise Gone
        case "silence":
            await hang(answer)
        case "html502":
            await write_bytes(
                answer.writer, 502, GATEWAY_PAGE, "text/html", answer.headers, keep_alive=answer.keep_alive
            )
            return 502, fault
    if isinstance(made, ApiError):
        return await _refuse(answer, made, 0), fault
    if isinstance(made, list):
        await _send_lines(answer, made, fault)
    elif fault in {"cut", "short"}:
        await _send_part(answer, orjson.dumps(made), dropped=fault == "cut")
    else:
        await write_json(answer.writer, 200, made, answer.headers, keep_alive=answer.keep_alive)
    return 200, fault


def _made(
    batches: Batches, method: str, path: str, query: Mapping[str, str], body: Any, version: str
) -> dict[str, Any] | list[bytes] | ApiError:
    path = path.rstrip("/")
    if path == PATH and method == "POST":
        return batches.submit(body, version)
    if path == PATH and method == "GET":
        return batches.page(query)
    one = _ONE.fullmatch(path)
    if one is None or method != ("POST" if one["verb"] == "cancel" else "GET"):
        return ApiError(404, "not_found_error", f"{method} {path}: not found")
    batch: Batch | ApiError = batches.find(one["id"])
    if isinstance(batch, ApiError):
        return batch
    if one["verb"] == "cancel":
        return batches.cancel(batch)
    return batches.results(batch) if one["verb"] == "results" else batches.payload(batch)


async def _refuse(answer: Answer, error: ApiError, retry_after: int) -> int:
    waits = {"retry-after": str(retry_after)} if error.retry_after and retry_after else {}
    payload = error_payload(error, answer.headers.get("request-id"))
    headers = {**answer.headers, **waits}
    await write_json(answer.writer, error.status, payload, headers, keep_alive=answer.keep_alive)
    return error.status


async def _send_lines(answer: Answer, lines: list[bytes], fault: str | None) -> None:
    kept = lines[: len(lines) // 2] if fault in {"cut", "short"} else lines
    chunks = Chunks(answer.writer)
    await chunks.open(200, JSON_LINES, answer.headers)
    for piece in pieces(kept):
        await chunks.send(piece)
    if fault == "cut":
        await chunks.send(lines[len(kept)][:20])
        raise Gone
    await chunks.end()


async def _send_part(answer: Answer, whole: bytes, *, dropped: bool) -> None:
    half = whole[: len(whole) // 2]
    if not dropped:
        return await write_bytes(
            answer.writer, 200, half, "application/json", answer.headers, keep_alive=answer.keep_alive
        )
    headers = {**answer.headers, "content-type": "application/json", "content-length": str(len(whole))}
    answer.writer.write(head(200, headers) + half)
    await answer.writer.drain()
    raise Gone
