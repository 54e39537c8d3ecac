"""Web server that shows the run of one widget to a class: an address for each role, proposals, decisions."""

from __future__ import annotations

import html
import importlib.util
import io
import ipaddress
import math
import os
import secrets
import sys
import threading
import warnings
from collections.abc import Mapping
from typing import Any

from traitlets import TraitError

from ganwidgets.messages import Message, N_
from ganwidgets.rendering.drawing.phrases import STATES
from ganwidgets.runs.record.interventions import Origin
from ganwidgets.stepping.engine import ALL
from ganwidgets.widgets.browser.assets import script, stylesheet
from ganwidgets.widgets.classroom.columns import class_columns
from ganwidgets.widgets.classroom.experiments import Experiments
from ganwidgets.widgets.classroom.feed import Feed
from ganwidgets.widgets.classroom.people import Person
from ganwidgets.widgets.classroom.proposals import Proposal, Proposals
from ganwidgets.widgets.classroom.questions import Question
from ganwidgets.widgets.classroom.server import FRAMES_PER_SECOND, Server, plain, text_file
from ganwidgets.widgets.trainer.widget import GANTrainerWidget

__all__ = ["Classroom"]

ROLES = ("watch", "propose", "steer")
WORDS = {
    "name": N_("Your name"),
    "propose": N_("Propose a change"),
    "setting": N_("Setting"),
    "value": N_("Value"),
    "reason": N_("Why?"),
    "send": N_("Propose"),
    "set": N_("Set"),
    "proposals": N_("Proposals"),
    "vote": N_("I agree"),
    "play": N_("Play"),
    "pause": N_("Pause"),
    "step": N_("Step"),
    "iteration": N_("iteration"),
    "lost": N_("The class is over, or the connection is lost. Open the address again."),
    "question": N_("What do you expect?"),
    "draw": N_("Draw the curve that you expect of the {curve}."),
    "answered": N_("Your answer is noted. You can change it until the experiment runs."),
    "predictions": N_("What the class expects"),
    "right": N_("What happened: {answer}"),
    "gap": N_("Your curve is {gap} away from what happened, on average."),
    "lanes": N_("A future for each proposal"),
    "log": N_("log"),
}


class Classroom(Experiments):
    """Serves the run of a widget to the browsers of a class, which watch it, propose changes, or steer it.

    Frames are sent at the notebook's rate, at most five per second. A slow client gets fewer frames, and
    training never waits for one. An unguessable token in the address grants the role. Names are chosen freely
    and are not verified.

    Parameters
    ----------
    widget : GANTrainerWidget
    host : str
        The network address to listen on. The default is reachable from this computer only. ``"0.0.0.0"`` is reachable
        from the whole network, unencrypted; a warning says so.
    port : int
        Port to listen on; 0 selects a free one.

    Raises
    ------
    OSError
        If `host` and `port` cannot be used.
    RuntimeError
        In Google Colab, which cannot serve a page to other people; or if the widget is closed.
    TypeError
        If `widget` is not a GANTrainerWidget.
    ValueError
        If `port` is not an integer from 0 to 65535.

    Examples
    --------
    >>> w = GANTrainerWidget("ring8")
    >>> classroom = Classroom(w)
    >>> classroom.url("watch").startswith("http://127.0.0.1:")
    True
    >>> classroom.proposals
    ()
    >>> w.close()
    >>> classroom.closed
    True
    """

    def __init__(self, widget: GANTrainerWidget, host: str = "127.0.0.1", port: int = 0) -> None:
        if not isinstance(widget, GANTrainerWidget):
            raise TypeError(
                Message("Classroom takes a GANTrainerWidget, not {kind}", kind=type(widget).__name__)
            )
        if "google.colab" in sys.modules:
            raise RuntimeError(
                Message(
                    "Google Colab cannot serve a page to other people; run the kernel on your own computer"
                )
            )
        asked: Any = port
        if isinstance(asked, bool) or not isinstance(asked, int) or not 0 <= asked <= 65535:
            raise ValueError(Message("port cannot be {port!r}: it must be from 0 to 65535", port=port))
        widget._refuse_if_closed()
        self._widget = widget
        self._runner, self._catalog = widget._runner, widget._catalog
        self._view: Any = widget._dashboard.picture_view
        self._columns = class_columns(widget.trainer.game)
        self._lock = threading.Lock()
        self._heart = widget._dashboard.heartbeat
        self._proposals = Proposals()
        self._question: Question | None = None
        self._tokens = {role: secrets.token_urlsafe(24) for role in ROLES}
        self._feed = Feed()
        self._show_curves(tuple(widget.trainer.game.losses), [])
        self._address = host
        self.closed = False
        try:
            self._server = Server(self, host, port)
        except (OSError, UnicodeError) as error:
            raise OSError(
                Message(
                    "the class cannot be served at {host}, port {port}: {reason}; choose another host or port",
                    host=host,
                    port=port,
                    reason=str(error),
                )
            ) from error
        if not _local(host):
            warnings.warn(
                Message(
                    "everyone in the network can reach the class at {host}, unencrypted; each address grants its role",
                    host=host,
                ),
                RuntimeWarning,
                stacklevel=2,
            )
        self._taps = [
            (self._view, self._view.tapped(self._take)),
            (self._heart, self._heart.tapped(self._beat)),
        ]
        widget._followers = (*widget._followers, self.close)
        widget._classes |= {self}
        self._request()

    # --- for the teacher ------------------------------------------------------------------------

    def url(self, role: str, base: str | None = None) -> str:
        """Return the address of `role`: ``"watch"``, ``"propose"`` or ``"steer"``.

        Parameters
        ----------
        role : str
        base : str, optional
            The address under which a proxy serves the port of the class, such as
            ``https://hub.example/user/ann/proxy/8123/``. On a JupyterHub that names the public address of this server
            (``JUPYTERHUB_PUBLIC_URL``), this is the default: the route of jupyter-server-proxy.
        """
        self._known(role)
        public = os.environ.get("JUPYTERHUB_PUBLIC_URL", "")
        if base is None and public and _local(self._address):
            base = f"{public.rstrip('/')}/proxy/{self._server.port}"
        if base is not None:
            return f"{base.rstrip('/')}/#{self._tokens[role]}"
        address = self._address
        if address in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not bound
            address = _own_address()
        if ":" in address:
            address = f"[{address}]"
        return f"http://{address}:{self._server.port}/#{self._tokens[role]}"

    def revoke(self, whom: str | int) -> None:
        """Close the connections of a role and create a new address for it, or remove one person.

        Parameters
        ----------
        whom : str or int
            A role, or a number from :attr:`people`. A removed person who still has an address can return with
            another browser; revoke the role to prevent this.
        """
        if isinstance(whom, int):
            self._server.call_soon(self._server.drop_person, self._server.people.ban(whom))
            return
        self._known(whom)
        self._tokens[whom] = secrets.token_urlsafe(24)
        self._server.people.end_sessions(whom)
        self._server.call_soon(self._server.drop, whom)

    @property
    def people(self) -> tuple[Person, ...]:
        """All people who are or were connected: number, chosen name, role, and whether here and muted."""
        return self._server.people.all

    def mute(self, number: int, muted: bool = True) -> Person:
        """Refuse proposals, votes, answers and changes of a person who can still watch, or accept them again."""
        return self._server.people.mute(number, muted)

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """All proposals, open and decided, in the order of their numbers."""
        return self._proposals.all

    def accept(self, i: int) -> Proposal:
        """Apply the changes of proposal `i`, as an intervention whose author is the student's chosen name.

        Raises
        ------
        IndexError, ValueError
            If there is no such proposal, or it has been decided.
        traitlets.TraitError
            If the run no longer allows the change; the proposal stays open.
        """
        decided = self._proposals.decide(i, "accepted", self._apply)
        self._server.call_soon(self._server.send_proposals)
        return decided

    def decline(self, i: int) -> Proposal:
        """Close proposal `i` without changing the run; raise the errors of :meth:`accept`."""
        decided = self._proposals.decide(i, "declined", lambda _: None)
        self._server.call_soon(self._server.send_proposals)
        return decided

    def close(self) -> None:
        """Stop serving; the run continues. Closing the widget calls this too."""
        if not self.closed:
            self.closed = True
            for view, tap in self._taps:
                view.untapped(tap)
            self.watched(yes=False)
            self._widget._classes -= {self}
            self._server.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"port {self._server.port}"
        return f"<Classroom, {state}, {len(self.proposals)} proposals>"

    def _repr_html_(self) -> str:
        people = "".join(
            f"<li>{person.number}: {html.escape(person.name)} ({person.role}{', muted' * person.muted})</li>"
            for person in (() if self.closed else self.people)
            if person.here
        )
        most = max(self.predictions.values(), default=0)
        bars = "".join(
            f"<p>{html.escape(answer)}: <meter min='0' max='{max(1, most)}' value='{count}'></meter> {count}</p>"
            for answer, count in self.predictions.items()
        )
        rows = "".join(
            f"<p>{role}: <code>{html.escape(self.url(role))}</code>{_qr(self.url(role))}</p>"
            for role in ("watch", "propose")
        )
        return "" if self.closed else f"{rows}<ul>{people}</ul>{bars}"

    def _known(self, role: str) -> None:
        if role not in ROLES:
            raise ValueError(
                Message("there is no role {role!r}; choose from {known}", role=role, known=", ".join(ROLES))
            )

    def _apply(self, proposal: Proposal) -> None:
        values = self._widget.trainer.settings.checked(dict(proposal.changes))
        self._runner.change(values, Origin(proposal.name, "class", proposal.reason))

    # --- on the publisher's thread --------------------------------------------------------------

    def _take(self, message: Mapping[str, Any], buffers: Any) -> None:
        if "frame" not in message:
            return
        state = self._runner.state
        with self._lock:
            values = (float(state.record.get(name, math.nan)) for name in self._curves)
            row = [state.iteration, *(value if math.isfinite(value) else None for value in values)]
            self._feed.store(message, buffers or (), row)
        self._server.frame_ready()

    def _beat(self, message: Mapping[str, Any], _buffers: Any) -> None:
        if "seq" in message:
            self._widget._pacer.acknowledge(self, message["seq"])

    def _request(self) -> None:
        self._view._on_message(self._view, {"hello": True}, [])

    # --- on the server's thread -----------------------------------------------------------------

    def assets(self) -> Mapping[str, tuple[str, str]]:
        """Return the page's files: its own, and the module and styles of the panel in the notebook."""
        panel = type(self._view)
        styles = stylesheet("trainer/style") + panel._css_text + stylesheet("classroom/page")
        return {
            "index.html": ("text/html", text_file("page.html").replace("{lang}", self._catalog.language)),
            "page.js": ("text/javascript", script("classroom/page")),
            "panel.js": ("text/javascript", panel._esm_text),
            "page.css": ("text/css", styles),
        }

    def tokens(self) -> Mapping[str, str]:
        """Return the token of each role."""
        return self._tokens

    def welcome(self, role: str) -> Mapping[str, Any]:
        """Return texts, settings and the traits of the view."""
        view = self._view
        traits = {
            name: getattr(view, name)
            for name in (
                "words",
                "layers",
                "arrows",
                "trail",
                "count",
                "beside",
                "chosen",
                "inspected",
                "direction",
                "amount",
            )
            if view.has_trait(name)
        }
        return {
            "role": role,
            "words": {
                name: self._catalog(text)
                for name, text in {
                    **WORDS,
                    **{name: column.label for name, column in self._columns.items()},
                }.items()
            },
            "curves": self._curves_shown(),
            "settings": self._settings(),
            "model": traits,
        }

    def _settings(self) -> dict[str, Any]:
        values = self._widget.trainer.settings.as_dict()
        return {name: value for name, value in values.items() if isinstance(value, (bool, int, float, str))}

    def packed(self, known: int, ask: bool) -> tuple[int, bytes]:
        """Return the message for a client with version `known`, which must acknowledge it if `ask` is True."""
        state = self._runner.state
        extra = {
            "status": self._catalog(STATES.get(state.status, state.status)),
            "iteration": state.iteration,
            "ask": ask,
        }
        return self._feed.packed(known, extra)

    def proposals_shown(self) -> list[dict[str, Any]]:
        """Return the open proposals."""
        return [
            {
                "index": p.index,
                "name": p.name,
                "reason": p.reason,
                "votes": p.votes,
                "changes": dict(p.changes),
            }
            for p in self.proposals
            if p.status == "open"
        ]

    def request(self, client: str, name: str, role: str, message: Mapping[str, Any]) -> str:
        """Execute a client's message; return the reason if it is refused, otherwise an empty text."""
        try:
            self._carry_out(client, name, role, message)
        except (IndexError, TraitError, ValueError, TypeError, KeyError, RuntimeError) as error:
            return self._catalog.error(error)
        return ""

    def _carry_out(self, client: str, name: str, role: str, message: Mapping[str, Any]) -> None:
        if self._server.people.muted(client):
            raise ValueError(Message("you are muted; ask your teacher"))
        match message:
            case {"answer": index} if self._question is not None:
                self._question.answer(client, index)
            case {"draw": list() as values} if self._question is not None:
                self._question.draw(client, values)
            case {"propose": {"changes": dict() as changes, "reason": str() as reason}} if role != "watch":
                self._proposals.add(client, name, plain(reason, 300), self._checked(changes))
            case {"vote": int() as index} if role != "watch":
                self._proposals.vote(client, index)
            case {"set": dict() as changes} if role == "steer":
                self._runner.change(self._checked(changes), Origin(name, "class"))
            case {"act": "play"} if role == "steer":
                self._runner.play()
            case {"act": "pause"} if role == "steer":
                self._runner.pause()
            case {"act": "step"} if role == "steer":
                self._runner.step(1, ALL, Origin(name, "class"))
            case _:
                raise ValueError(Message("this address does not allow that, or the message is malformed"))

    def _checked(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        if not 1 <= len(changes) <= 8:
            raise ValueError(Message("a change must have one to eight settings"))
        if not all(isinstance(value, (bool, int, float, str)) for value in changes.values()):
            raise ValueError(Message("a class can set numbers, words and switches only"))
        if {"data", "seed"} & set(changes):
            raise ValueError(Message("a class cannot set data or seed"))
        return self._widget.trainer.settings.checked(dict(changes))

    def watched(self, yes: bool) -> None:
        """Add the class to the widget's views, or remove it."""
        if yes:
            self._widget._pacer.hello(self, FRAMES_PER_SECOND)
            self._widget._look_again()
            self._server.frame_ready()
        else:
            self._widget._pacer.bye(self)


def _local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _own_address() -> str:
    """Return this computer's network address; 127.0.0.1 if the system does not know it."""
    import socket

    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"


def _qr(address: str) -> str:
    """Return a QR code as SVG; empty if segno (``ganwidgets[class]``) is not installed."""
    if importlib.util.find_spec("segno") is None:
        return ""
    import segno

    file = io.BytesIO()
    segno.make(address, error="m").save(file, kind="svg", scale=4, light="white", xmldecl=False)
    return file.getvalue().decode()
