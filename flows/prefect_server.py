"""The Prefect server as `cakupan serve` runs it: Prefect's own, whose pages ask nobody but it.

Prefect's pages fetch the settings of an analytics service when they are opened, also where the server's telemetry is
off. A policy in the answers' headers keeps the browser from it.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from prefect.server.api.server import create_app

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
# Prefect's pages compile templates and hold styles and images in themselves.
_POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'"
HEADERS = {"content-security-policy": _POLICY, "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


def app() -> Application:
    """Make the server's application, for uvicorn's `--factory`."""
    return with_headers(create_app(final=True))


def with_headers(inner: Application) -> Application:
    """Let every answer of an application carry our headers too."""
    added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def outer(scope: Message, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await inner(scope, receive, answer)

    return outer
