"""What surrounds every answer: headers that keep a browser from harm, and a limit on what is sent.

A strict content security policy: everything comes from this server, no script or style stands in a page, nothing is
evaluated, and no other site may frame a page. Pages of the record are kept by no cache.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Adds the headers, and refuses what is larger than `largest` bytes before it is read."""

    def __init__(self, app: ASGIApp, secure: bool, largest: int) -> None:
        self._app = app
        self._secure = secure
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if self._secure:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
                kept = "public, max-age=3600" if scope["path"].startswith("/static/") else "no-store"
                headers.setdefault("cache-control", kept)
            await send(message)

        size = Headers(scope=scope).get("content-length", "0")
        if not size.isdigit() or int(size) > self._largest:
            await _refuse(guarded, size, self._largest)
            return
        # Without a length, or with a false one, what arrives is counted.
        arrived, refused, began = 0, False, False

        async def counted() -> Message:
            nonlocal arrived, refused
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._largest:
                refused = True
                return {"type": "http.disconnect"}
            return message

        async def answered(message: Message) -> None:
            nonlocal began
            began = began or not refused
            if began:
                await guarded(message)

        try:
            await self._app(scope, counted, answered)
        except Exception:
            # The page was cut off in its reading, and knows no better word for it.
            if not refused:
                raise
        if refused and not began:
            await _refuse(guarded, f"more than {self._largest}", self._largest)


async def _refuse(send: Send, size: str, largest: int) -> None:
    line = f"The upload has {size} bytes. Expected at most {largest // 1_000_000} MB: split it, or use azaward import."
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": line.encode()})
