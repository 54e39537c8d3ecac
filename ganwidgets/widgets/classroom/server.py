"""The web server of a class: tornado on a thread and an event loop of its own.

The page first posts its token to ``enter``, which answers with an HttpOnly cookie; the token then leaves the address.
Behind a proxy, the cookie is valid only below the proxy's path, so that browsers do not send it to other
servers of the hub.

The first WebSocket message of a client is ``{"token": ..., "name": ...}``, or ``{"name": ...}`` if it has the cookie;
anything else closes the connection with code 4403. Later messages, each if the client's role allows it:

- ``{"ack": true}`` after drawing a frame that asks for it
- ``{"propose": {"changes": {...}, "reason": ...}}`` and ``{"vote": index}``
- ``{"answer": index}`` and ``{"draw": [numbers]}``
- ``{"set": {...}}`` and ``{"act": "play" | "pause" | "step"}``

The server sends ``{"welcome": ...}``, ``{"question": ...}``, ``{"lanes": [...]}``, ``{"proposals": [...]}`` and
``{"refused": ...}`` as text, and frames as binary messages of :class:`~ganwidgets.widgets.classroom.feed.Feed`. A client
that owes an acknowledgement gets no frame. So a slow client gets fewer frames and delays no other client; see
:mod:`~ganwidgets.widgets.classroom.flow`.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import math
import re
import secrets
import threading
import time
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Protocol

import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket

from ganwidgets.widgets.classroom.flow import Flow
from ganwidgets.widgets.classroom.people import People

__all__ = ["Host", "Server"]

MOST_BYTES = 16_384
"""Maximum size of a client's message."""

RATE, BURST = 20.0, 40.0
"""Maximum number of messages of one client: per second on average, and at once."""

MOST_CLIENTS = 300
FRAMES_PER_SECOND = 5.0
GREETING = 10.0
"""Seconds within which a client must send its token."""

PREFIX = re.compile(r"(/[\w.~%@+-]+){1,20}/?", re.ASCII)
"""Paths in the header with which a proxy, such as jupyter-server-proxy, names its path to the class."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Host(Protocol):
    """Methods of the class that the server calls."""

    def assets(self) -> Mapping[str, tuple[str, str]]:
        """Return each file's media type and text, by name."""

    def tokens(self) -> Mapping[str, str]:
        """Return the token of each role."""

    def welcome(self, role: str) -> Mapping[str, Any]:
        """Return the initial message for a client of `role`."""

    def packed(self, known: int, ask: bool) -> tuple[int, bytes]:
        """See :meth:`~ganwidgets.widgets.classroom.feed.Feed.packed`."""

    def proposals_shown(self) -> list[dict[str, Any]]:
        """Return the open proposals as JSON values."""

    def request(self, client: str, name: str, role: str, message: Mapping[str, Any]) -> str:
        """Execute a client's message; return the reason if it is refused, otherwise an empty text."""

    def watched(self, yes: bool) -> None:
        """Handle that a client has joined, or that the last one has left."""

    def question_shown(self, role: str, client: str) -> Mapping[str, Any] | None:
        """Return the question as shown to `client`; None without a question."""


class _Page(tornado.web.RequestHandler):
    def initialize(self, host: Host) -> None:
        self._host = host

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def get(self, name: str) -> None:
        found = self._host.assets().get(name or "index.html")
        if found is None:
            raise tornado.web.HTTPError(404)
        self.set_header("Content-Type", f"{found[0]}; charset=utf-8")
        self.write(found[1])


class _Enter(tornado.web.RequestHandler):
    """Exchanges a token for an HttpOnly cookie."""

    def initialize(self, server: Server) -> None:
        self._server = server

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def post(self) -> None:
        try:
            token = json.loads(self.request.body).get("token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        role = self._server.role_of_token(token)
        if not role:
            raise tornado.web.HTTPError(403)
        secret = self._server.people.begin_session(role)
        self.set_cookie(
            self._server.cookie,
            secret,
            path=_path_behind(self.request.headers.get("X-Forwarded-Prefix", "")),
            secure=self.request.headers.get("X-Forwarded-Proto") == "https",
            httponly=True,
            samesite="Strict",
        )
        self.set_status(204)


def _path_behind(prefix: str) -> str:
    """Return the cookie's path for a proxy with the path `prefix`; "/" without a proxy."""
    return f"{prefix.rstrip('/')}/" if PREFIX.fullmatch(prefix) else "/"


class _Socket(tornado.websocket.WebSocketHandler):
    def initialize(self, server: Server) -> None:
        self.server = server
        self.id = secrets.token_hex(8)
        self.role = self.name = ""
        self.identity = self.id
        self.known = 0
        self.flow = Flow()
        self._credit, self._credited = BURST, time.monotonic()

    def open(self, *_: str) -> None:
        if len(self.server.clients) >= MOST_CLIENTS:
            self.close(4429, "full")
            return
        self.server.loop.call_later(GREETING, self._must_have_greeted)

    def _must_have_greeted(self) -> None:
        if not self.role:
            self.close(4403, "no token")

    def on_message(self, message: str | bytes) -> None:
        now = time.monotonic()
        self._credit = min(BURST, self._credit + RATE * (now - self._credited)) - 1
        self._credited = now
        if self._credit < 0:
            self.close(4429, "too many messages")
            return
        try:
            content = json.loads(message, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            self.close(4400, "not a JSON object")
        elif not self.role:
            self._greet(content)
        elif "ack" in content:
            self.flow.acknowledged(now)
        else:
            refusal = self.server.host.request(self.identity, self.name, self.role, content)
            if refusal:
                self.send_json({"refused": refusal})
            if "propose" in content or "vote" in content:
                self.server.send_proposals()
            if "answer" in content or "draw" in content:
                self.server.send_question()

    def _greet(self, content: Mapping[str, Any]) -> None:
        token, name = content.get("token"), content.get("name", "")
        secret = self.get_cookie(self.server.cookie) or ""
        if "token" in content:
            self.role = self.server.role_of_token(token)
        elif secret:
            self.role = self.server.people.role_of(secret)
            self.identity = secret
        if not self.role or not isinstance(name, str):
            self.role = ""
            self.close(4403, "unknown token")
            return
        self.name = plain(name, 40) or "?"
        self.server.clients.add(self)
        self.server.people.arrive(self.identity, self.name, self.role)
        self.server.host.watched(yes=True)
        self.send_json({"welcome": self.server.host.welcome(self.role)})
        self.server.send_proposals()
        self.server.send_question()

    def send_json(self, content: Mapping[str, Any]) -> None:
        """Send JSON; if the connection closes meanwhile, `on_close` removes the client."""
        self.send(json.dumps(content, default=str))

    def send(self, data: str | bytes) -> None:
        if self.ws_connection is not None and not self.ws_connection.is_closing():
            sending = self.write_message(data, binary=isinstance(data, bytes))
            sending.add_done_callback(_noted)

    def on_close(self) -> None:
        self.server.clients.discard(self)
        if self.role:
            self.server.people.leave(self.identity)
        if not self.server.clients:
            self.server.host.watched(yes=False)


def _noted(sending: asyncio.Future[None]) -> None:
    """Retrieve the error of a broken connection, which `on_close` handles."""
    if not sending.cancelled():
        sending.exception()


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def plain(text: str, most: int) -> str:
    """Return `text` on one line without control characters, at most `most` characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]


class Server:
    """Serves a class until it is closed.

    Parameters
    ----------
    host : Host
        The class; its methods are called on the server's thread.
    address : str
        Network address to listen on.
    port : int
        Port to listen on; 0 selects a free one.

    Raises
    ------
    OSError
        If the address or port cannot be used.
    """

    def __init__(self, host: Host, address: str, port: int) -> None:
        self.host = host
        self.people = People()
        self.clients: set[_Socket] = set()
        sockets = tornado.netutil.bind_sockets(port, address)
        self.port: int = sockets[0].getsockname()[1]
        self.cookie = f"gw-class-{self.port}"  # cookies are shared by all ports of a host
        self.loop = asyncio.new_event_loop()
        self._due = False
        self._sent_at = -math.inf
        self._thread = threading.Thread(
            target=self._run, args=(sockets,), name="ganwidgets-classroom", daemon=True
        )
        self._thread.start()

    def _run(self, sockets: Any) -> None:
        asyncio.set_event_loop(self.loop)
        application = tornado.web.Application(
            [
                (r"/ws", _Socket, {"server": self}),
                (r"/enter", _Enter, {"server": self}),
                (r"/([a-z_.]*)", _Page, {"host": self.host}),
            ],
            websocket_max_message_size=MOST_BYTES,
            log_function=lambda _: None,  # no access log, which would record what people do
        )
        self._http = tornado.httpserver.HTTPServer(
            application, max_header_size=MOST_BYTES, max_body_size=1024
        )
        self._http.add_sockets(sockets)
        self.loop.run_forever()
        self.loop.run_until_complete(self._http.close_all_connections())
        self.loop.close()

    def frame_ready(self) -> None:
        """Send the latest frame to each client that has acknowledged its last one; returns at once, thread-safe."""
        if not self._due and not self.loop.is_closed():
            self._due = True
            self.loop.call_soon_threadsafe(self._schedule)

    def _schedule(self) -> None:
        wait = self._sent_at + 1 / FRAMES_PER_SECOND - time.monotonic()
        self.loop.call_later(max(0.0, wait), self._send_frames)

    def _send_frames(self) -> None:
        self._due = False
        self._sent_at = now = time.monotonic()
        packed: dict[tuple[int, bool], tuple[int, bytes]] = {}
        for client in list(self.clients):
            if client.flow.open:
                kind = client.known, client.flow.asks()
                if kind not in packed:
                    packed[kind] = self.host.packed(*kind)
                version, data = packed[kind]
                if version:  # 0 before the first frame
                    client.known = version
                    client.flow.sent(now)
                    client.send(data)

    def send_proposals(self) -> None:
        """Send the open proposals to all clients; call this on the server's thread."""
        self.send_all({"proposals": self.host.proposals_shown()})

    def send_question(self) -> None:
        """Send the question to all clients, as shown to each; call this on the server's thread."""
        for client in list(self.clients):
            client.send_json({"question": self.host.question_shown(client.role, client.identity)})

    def send_all(self, content: Mapping[str, Any]) -> None:
        """Send the same message to all clients; call this on the server's thread."""
        text = json.dumps(content, default=str)
        for client in list(self.clients):
            client.send(text)

    def role_of_token(self, token: Any) -> str:
        """Return the role of `token`; empty for an unknown token."""
        found = ""
        if isinstance(token, str):
            for role, known in self.host.tokens().items():
                if hmac.compare_digest(token.encode("utf-8", "replace"), known.encode()):
                    found = role
        return found

    def call_soon(self, function: Any, *arguments: Any) -> None:
        """Schedule a call of `function` on the server's thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(function, *arguments)

    def drop(self, role: str) -> None:
        """Close all connections of `role`; call this on the server's thread."""
        for client in [client for client in self.clients if client.role == role]:
            client.close(4403, "revoked")

    def drop_person(self, identity: str) -> None:
        """Close all connections of one person; call this on the server's thread."""
        for client in [client for client in self.clients if client.identity == identity]:
            client.close(4403, "revoked")

    def close(self) -> None:
        """Stop serving; returns when the thread has ended."""
        if self._thread.is_alive():
            self.call_soon(self._stop)
            self._thread.join(5)

    def _stop(self) -> None:
        self._http.stop()
        for client in list(self.clients):
            client.close(1001, "the class is over")
        self.loop.call_later(0.05, self.loop.stop)


def text_file(name: str) -> str:
    """Return the text of a file in this package."""
    return (files(__package__) / name).read_text("utf-8")
