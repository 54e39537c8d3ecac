"""A class on one run: roles, proposals, invalid requests, and closing."""

from __future__ import annotations

import json
import random
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
import websocket

import ganwidgets as gw
from ganwidgets.widgets.classroom.columns import drawn_axis


@pytest.fixture
def w():
    widget = gw.GANTrainerWidget("ring8", g_hidden=(8,), d_hidden=(8,))
    yield widget
    widget.close()


@pytest.fixture
def classroom(w):
    return gw.Classroom(w)


class Client:
    def __init__(self, url, name="Ann", token=None, **options):
        address, _, known = url.partition("#")
        self.socket = websocket.create_connection(address.replace("http", "ws") + "ws", timeout=30, **options)
        self.send({"token": known if token is None else token, "name": name})

    def send(self, content):
        self.socket.send(content if isinstance(content, str) else json.dumps(content))

    def until(self, key):
        while True:
            data = self.socket.recv()
            if isinstance(data, bytes):
                found = json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])
            else:
                found = json.loads(data)
            if key in found:
                return found[key]

    def closed_with(self):
        while True:
            code, data = self.socket.recv_data()
            if code == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")


def test_a_watcher_gets_the_picture_and_cannot_change_the_run(w, classroom):
    client = Client(classroom.url("watch"))
    assert client.until("welcome")["role"] == "watch"
    frame = client.until("frame")
    assert {"real", "generated"} <= {part[0] for part in frame["parts"]}
    before = w.trainer.state_hash()
    for wish in (
        {"propose": {"changes": {"lr_d": 0.1}, "reason": ""}},
        {"set": {"lr_d": 0.1}},
        {"act": "play"},
    ):
        client.send(wish)
        assert "does not allow" in client.until("refused")
    assert w.trainer.state_hash() == before
    assert classroom.proposals == ()


def test_a_client_that_neither_reads_nor_answers_delays_no_other(w, classroom):
    silent = Client(classroom.url("watch"), "Silent")
    silent.until("welcome")
    prompt = Client(classroom.url("watch"), "Prompt")
    w.play()
    seen = set()
    while len(seen) < 12:
        header = frame_of(prompt)
        seen.add(header["iteration"])
        if header["ask"]:
            prompt.send({"ack": True})
    w.pause()
    w.wait()
    classroom.revoke("watch")
    frames = 0
    while (received := silent.socket.recv_data())[0] != websocket.ABNF.OPCODE_CLOSE:
        frames += received[0] == websocket.ABNF.OPCODE_BINARY
    assert frames == 1


def test_an_accepted_proposal_is_an_intervention_by_its_author(w, classroom):
    ann, bob = (Client(classroom.url("propose"), name) for name in ("Ann <b>", "Bob"))
    ann.send({"propose": {"changes": {"lr_d": 0.001}, "reason": "D is\ntoo fast"}})
    while not (shown := bob.until("proposals")):
        pass
    assert shown[0]["name"] == "Ann <b>"
    for _ in range(2):
        bob.send({"vote": 0})
        while not (shown := bob.until("proposals"))[0]["votes"]:
            pass
    (proposal,) = classroom.proposals
    assert (proposal.reason, proposal.votes, proposal.status) == ("D is too fast", 1, "open")
    assert classroom.accept(0).status == "accepted"
    w.step(1)
    w.wait()
    record = w.trainer.interventions[-1]
    assert (record.author, record.source, record.reason) == ("Ann <b>", "class", "D is too fast")
    assert w.lr_d == w.trainer.settings.lr_d == 0.001
    with pytest.raises(ValueError, match="accepted already"):
        classroom.decline(0)
    with pytest.raises(IndexError, match="no proposal 7"):
        classroom.accept(7)


def test_a_declined_proposal_changes_nothing(w, classroom):
    client = Client(classroom.url("propose"))
    client.send({"propose": {"changes": {"lr_d": 0.001}, "reason": ""}})
    while not client.until("proposals"):
        pass
    before = w.trainer.state_hash()
    assert classroom.decline(0).status == "declined"
    w.wait()
    assert w.trainer.state_hash() == before


def test_a_client_with_the_steering_role_changes_and_plays_the_run(w, classroom):
    client = Client(classroom.url("steer"), "Eve")
    client.until("welcome")
    client.send({"set": {"lr_g": 0.002}})
    client.send({"act": "step"})
    client.until("proposals")
    while w.iteration < 1 or w.lr_g != 0.002:
        w.wait()
    assert w.trainer.interventions[-1].author == "Eve"


def test_a_thousand_invalid_requests_change_nothing(w, classroom):
    before, chance = w.trainer.state_hash(), random.Random(0)  # noqa: S311 - not for secrets
    bad = [
        '{"vote": -1}',
        '{"vote": true}',
        '{"vote": 1e99}',
        '{"propose": {"changes": {"lr_d": NaN}, "reason": ""}}',
        '{"propose": {"changes": {"lr_d": -1}, "reason": ""}}',
        '{"propose": {"changes": {"lr_d": [1]}, "reason": ""}}',
        '{"propose": {"changes": {"data": "/etc/passwd"}, "reason": ""}}',
        '{"propose": {"changes": {"__class__": 1}, "reason": ""}}',
        '{"propose": {"changes": {}, "reason": ""}}',
        '{"propose": {"changes": {"lr_d": 0.1}}}',
        '{"propose": 3}',
        '{"set": {"lr_d": 0.1}}',
        '{"act": "play"}',
        '{"token": 1}',
        "[" * 5000,
        "null",
        "\u0000",
        "x" * 9000,
    ]
    sent = 0
    while sent < 1000:
        client = Client(classroom.url("propose"))
        try:
            for _ in range(40):
                client.send(chance.choice(bad))
                sent += 1
        except (OSError, websocket.WebSocketException):
            continue  # the server has closed this one
    w.wait()
    assert classroom.proposals == ()
    assert w.trainer.state_hash() == before
    assert Client(classroom.url("watch")).until("welcome")


def test_only_valid_tokens_open_the_class(classroom):
    assert Client(classroom.url("watch"), token="").closed_with() == 4403
    assert Client(classroom.url("watch"), token="é" * 32).closed_with() == 4403
    assert Client(classroom.url("watch"), name=3).closed_with() == 4403
    old = classroom.url("propose")
    client = Client(old)
    client.until("welcome")
    classroom.revoke("propose")
    assert client.closed_with() == 4403
    assert Client(old).closed_with() == 4403
    assert classroom.url("propose") != old
    assert len({classroom.url(role).partition("#")[2] for role in ("watch", "propose", "steer")}) == 3


def test_a_foreign_origin_and_a_large_message_are_refused(classroom):
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        Client(classroom.url("watch"), origin="http://evil.example")
    client = Client(classroom.url("watch"))
    client.send("x" * 100_000)
    with pytest.raises((AssertionError, OSError, websocket.WebSocketException)):
        assert client.closed_with() != 1009  # unless the connection is reset before the status arrives
    base = classroom.url("watch").partition("#")[0]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(base + "secrets")
    for name in ("", "page.js", "page.css", "panel.js"):
        with urllib.request.urlopen(base + name) as answer:
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.read()


def test_closing_the_widget_closes_the_class(w, classroom):
    client = Client(classroom.url("watch"))
    client.until("welcome")
    w.close()
    assert classroom.closed
    assert client.closed_with() in {1001, 1006}
    with pytest.raises(OSError):
        Client(classroom.url("watch"))


def test_invalid_class_options_are_refused(w, classroom, monkeypatch):
    with pytest.raises(ValueError, match="there is no role 'admin'"):
        classroom.url("admin")
    with pytest.raises(TypeError, match="takes a GANTrainerWidget"):
        gw.Classroom("ring8")
    for bad in (-1, 70_000, True, "80"):
        with pytest.raises(ValueError, match="port cannot be"):
            gw.Classroom(w, port=bad)
    with pytest.raises(OSError, match="choose another"):
        gw.Classroom(w, host="203.0.113.1")
    with pytest.warns(RuntimeWarning, match="everyone in the network"):
        gw.Classroom(w, host="0.0.0.0").close()  # noqa: S104 - the warning is what is tested
    monkeypatch.setitem(sys.modules, "google.colab", object())
    with pytest.raises(RuntimeError, match="Colab"):
        gw.Classroom(w)


LESSON = gw.Lesson(
    question="What will D's loss do?",
    answers=("fall", "rise"),
    experiment={"lr_d": 0.02},
    steps=12,
    data="ring8",
    watch=("loss_d",),
    right_answer=lambda outcome: "rise" if outcome.changed["loss_d"] > outcome.before["loss_d"] else "fall",
)


def test_a_question_is_answered_with_a_choice_and_a_curve_before_the_experiment(w, classroom, tmp_path):
    w.trainer.step(3)
    with pytest.raises(ValueError, match="nothing was asked"):
        classroom.run_experiment()
    ann, teacher = Client(classroom.url("watch")), Client(classroom.url("steer"), "Teacher")
    classroom.ask(LESSON)
    while not (shown := ann.until("question")):
        pass
    assert (shown["answers"], shown["predictions"]) == (["fall", "rise"], None), (
        "answers of others are hidden until the experiment"
    )
    drawn = ([1.0], ["x"] * 32, [1e308] * 32, [10**400] * 32)
    for bad in ({"answer": 2}, {"answer": True}, *({"draw": values} for values in drawn)):
        ann.send(bad)
        assert ann.until("refused")
    ann.send({"answer": 0})
    ann.send({"answer": 1})
    ann.send({"draw": [1.0] * 32})
    while not (shown := teacher.until("question")) or shown["predictions"] != [0, 1]:
        pass
    assert classroom.predictions == {"fall": 0, "rise": 1}
    assert "<meter" in classroom._repr_html_()
    outcome = classroom.run_experiment()
    while not (shown := ann.until("question"))["actual"]:
        pass
    assert shown["predictions"] == [0, 1]
    assert shown["right"] == LESSON.answer_of(outcome)
    assert shown["gap"] == pytest.approx(sum(abs(1 - value) for value in shown["actual"]) / 32)
    assert list(classroom.gaps.values()) == [pytest.approx(shown["gap"])]
    ann.send({"answer": 0})
    assert "already" in ann.until("refused")
    text = classroom.export(tmp_path / "study.csv").read_text()
    assert "answer,rise" in text
    assert "Ann" not in text


def test_each_proposal_is_forked_to_its_own_branch(w, classroom):
    w.trainer.step(3)
    before = w.trainer.state_hash()
    clients = [Client(classroom.url("propose"), name) for name in ("Ann", "Bob")]
    for client, rate in zip(clients, (0.001, 0.01), strict=True):
        client.send({"propose": {"changes": {"lr_d": rate}, "reason": "try"}})
        while not client.until("proposals"):
            pass
    while len(classroom.proposals) < 2:
        clients[0].until("proposals")
    made = classroom.fork_each(steps=5)
    assert sorted(made) == [0, 1]
    assert w.trainer.state_hash() == before
    assert set(made.values()) < set(w.trainer.timeline.branches)
    lanes = clients[0].until("lanes")
    assert {lane["name"] for lane in lanes} == {"Ann", "Bob"}
    assert [len(lane["losses"]) for lane in lanes] == [5, 5]
    assert {proposal.status for proposal in classroom.proposals} == {"forked"}


def entered(url):
    """Return the Set-Cookie header of a page that exchanges its token."""
    address, _, token = url.partition("#")
    wish = urllib.request.Request(address + "enter", json.dumps({"token": token}).encode(), method="POST")
    with urllib.request.urlopen(wish) as answer:
        return answer.headers["Set-Cookie"]


def test_a_token_is_exchanged_for_a_cookie_that_scripts_cannot_read(classroom):
    header = entered(classroom.url("propose"))
    assert "HttpOnly" in header
    assert "SameSite=Strict" in header
    cookie = header.split(";")[0]
    address = classroom.url("propose").partition("#")[0].replace("http", "ws") + "ws"

    def connected():
        client = Client.__new__(Client)
        client.socket = websocket.create_connection(address, timeout=30, cookie=cookie)
        client.send({"name": "Ann"})
        return client

    client = connected()
    assert client.until("welcome")["role"] == "propose"
    (person,) = classroom.people
    assert (person.number, person.name, person.here, person.muted) == (0, "Ann", True, False)
    classroom.mute(0)
    client.send({"propose": {"changes": {"lr_d": 0.1}, "reason": ""}})
    assert "muted" in client.until("refused")
    assert classroom.mute(0, muted=False).muted is False
    classroom.revoke(0)
    assert client.closed_with() == 4403
    assert connected().closed_with() == 4403
    with pytest.raises(IndexError, match="no person 7"):
        classroom.revoke(7)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        entered(classroom.url("propose")[:-3])
    assert classroom.url("watch", base="https://hub/user/a/proxy/1/").startswith(
        "https://hub/user/a/proxy/1/#"
    )


def test_behind_a_proxy_the_cookie_has_the_path_of_the_class_only(classroom, monkeypatch):
    address, _, token = classroom.url("watch").partition("#")
    outside = {
        "Host": "hub.example",
        "X-Forwarded-Prefix": "/user/ann/proxy/8123",
        "X-Forwarded-Proto": "https",
    }

    def cookie(**headers):
        body = json.dumps({"token": token}).encode()
        request = urllib.request.Request(f"{address}enter", body, headers)
        with urllib.request.urlopen(request) as answer:
            return answer.headers["Set-Cookie"]

    header = cookie(**outside)
    assert {"HttpOnly", "Path=/user/ann/proxy/8123/", "SameSite=Strict", "Secure"} <= set(header.split("; "))
    assert "Path=/" in cookie().split("; ")
    for bad in ("/a; Domain=evil.example", "//", "relative", "/" + "x/" * 40):
        assert "Path=/" in cookie(**{"X-Forwarded-Prefix": bad}).split("; ")
    # The proxy forwards the page's own Host and Origin.
    socket = websocket.create_connection(
        address.replace("http", "ws") + "ws",
        timeout=30,
        host="hub.example",
        origin="https://hub.example",
        cookie=header.partition(";")[0],
    )
    socket.send(json.dumps({"name": "Ann"}))
    assert json.loads(socket.recv())["welcome"]["role"] == "watch"
    socket.close()
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "https://hub.example/user/ann/")
    port = address.rstrip("/").rpartition(":")[2]
    assert classroom.url("watch") == f"https://hub.example/user/ann/proxy/{port}/#{token}"
    assert classroom.url("watch", base="https://x.example").startswith("https://x.example/#")


def test_an_object_that_is_no_lesson_is_refused_as_question(classroom):
    with pytest.raises(TypeError, match=r"lesson is a str; pass a ganwidgets\.Lesson"):
        classroom.ask("Will D win?")
    assert classroom.predictions == {}


@pytest.mark.parametrize("game", ["cyclegan", "adversarial_training"])
def test_a_class_watches_and_changes_a_run_of_another_game(game):
    images = np.random.default_rng(0).random((12, 1, 16, 16), dtype=np.float32)
    data = (images, images) if game == "cyclegan" else (images, np.arange(12) % 2)
    w = gw.GANTrainerWidget(data, game=game, batch_size=4)
    try:
        classroom = gw.Classroom(w)
        losses = list(w.trainer.game.losses)
        teacher = Client(classroom.url("steer"), "Teacher")
        welcome = teacher.until("welcome")
        assert [name for name, _ in welcome["curves"]] == losses
        assert set(losses) <= set(welcome["words"])
        assert teacher.until("frame")["parts"] == [["rows"]]
        teacher.send({"ack": True})
        rate = next(name for name in welcome["settings"] if name.startswith("lr_"))
        teacher.send({"propose": {"changes": {rate: 0.001}, "reason": "faster"}})
        while not teacher.until("proposals"):
            pass
        classroom.fork_each(steps=2)
        (lane,) = teacher.until("lanes")
        assert [len(row) for row in lane["losses"]] == [1 + len(losses)] * 2
        classroom.ask(
            gw.Lesson(
                game=game,
                question="?",
                answers=("fall", "rise"),
                experiment={rate: 0.002},
                steps=2,
                watch=(losses[-1],),
            )
        )
        while not (shown := teacher.until("question")):
            pass
        assert shown["curve"] == losses[-1]
        classroom.run_experiment()
        while not (shown := teacher.until("question"))["actual"]:
            pass
        assert len(shown["actual"]) == 32
        page = urllib.request.urlopen(classroom.url("watch").split("#")[0] + "panel.js").read().decode()
        assert "gw-exhibits" in page
    finally:
        w.close()


@pytest.mark.parametrize(
    ("values", "unit", "axis"),
    [
        ([], "loss", (0, 3)),
        ([1.4, 0.7], "loss", (0, 3)),
        ([float("nan"), 8.2, 6.0], "loss", (0, 20)),
        ([-0.4, -6.0, 0.1], "loss", (-10, 3)),
        ([float("inf"), 1.0], "loss", (0, 3)),
        ([0.2, 0.3], "share", (0, 1)),
        ([0.2, float("nan"), 0.3], "norm", (0, 0.6)),
        ([], "norm", (0, 1)),
    ],
)
def test_the_axis_of_the_curve_to_draw_contains_the_values_of_the_run(values, unit, axis):
    assert drawn_axis(values, unit) == axis


def test_the_teacher_chooses_the_curves_that_the_class_sees_and_draws(w, classroom):
    w.trainer.step(12)
    client = Client(classroom.url("watch"))
    welcome = client.until("welcome")
    assert welcome["words"]["accuracy_real"] == "D's accuracy on real"
    assert classroom.curves == ("loss_d", "loss_g")
    classroom.curves = ("accuracy_real", "grad_norm_d")
    while (shown := client.until("curves"))[0][0] != "accuracy_real":
        client.send({"ack": True})
    assert shown == [["accuracy_real", "real"], ["grad_norm_d", "d"]]
    joined = frame_of(Client(classroom.url("watch")))
    assert joined["curves"] == shown
    history, rows = w.trainer.history, joined["rows"]
    assert [row[0] for row in rows] == list(range(1, 13))
    assert rows[0][1:] == [history["accuracy_real"][0], history["grad_norm_d"][0]]
    assert rows[7] == [8, *rows[0][1:]], "measured at each tenth step"
    assert rows[-1] == [12, history["accuracy_real"][9], history["grad_norm_d"][9]]
    classroom.ask(LESSON, draw="grad_norm_d")
    while not (question := client.until("question")):
        pass
    assert question["curve"] == "grad_norm_d"
    classroom.run_experiment()
    while not (question := client.until("question"))["actual"]:
        pass
    assert None not in question["actual"], "measured at some steps only"
    for bad in ((), ("nonsense",), tuple(classroom._columns)[:5]):
        with pytest.raises(ValueError, match="a class sees"):
            classroom.curves = bad
    with pytest.raises(ValueError, match="a class sees no curve 'nonsense'"):
        classroom.ask(LESSON, draw="nonsense")
    assert classroom.curves == ("accuracy_real", "grad_norm_d")


def frame_of(client):
    """Return the header of the first frame of `client`."""
    while not isinstance(data := client.socket.recv(), bytes):
        pass
    return json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])


def test_lanes_have_the_curves_that_the_class_sees(w, classroom):
    w.trainer.step(3)
    classroom.curves = "grad_norm_g"
    client = Client(classroom.url("propose"))
    client.send({"propose": {"changes": {"lr_d": 0.01}, "reason": ""}})
    while not client.until("proposals"):
        pass
    classroom.fork_each(steps=3)
    (lane,) = client.until("lanes")
    assert [len(row) for row in lane["losses"]] == [2, 2, 2]
    assert all(row[1] is not None for row in lane["losses"])
