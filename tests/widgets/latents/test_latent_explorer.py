"""The latent explorer without a browser."""

import io

import pytest
import torch
from PIL import Image
from traitlets import TraitError

import ganwidgets as gw
from ganwidgets.latents import Place
from ganwidgets.networks.stylegan3 import Generator, StyleGAN2Generator, initialize
from ganwidgets.widgets.latents import walk


def made(kind=Generator, **options):
    network = kind(8, 0, 8, 16, 3, channel_base=64, channel_max=4, **options).eval()
    initialize(network, torch.Generator().manual_seed(0))
    return network


@pytest.fixture
def explorer():
    explorer = gw.LatentExplorer(made(num_layers=4, margin_size=3), locale="en")
    explorer.wait()
    yield explorer
    explorer.close()


def test_every_choice_changes_the_image(explorer):
    shown = explorer.wait()
    for name, value in {
        "x": 1.5,
        "y": 0.5,
        "truncation_psi": 1.2,
        "truncation_cutoff": 2,
        "mixed": [0, 3],
        "mix_seed": 9,
        "tx": 0.25,
        "ty": -0.25,
        "rotation": 30.0,
        "direction_1": 2.0,
        "direction_4": -2.0,
    }.items():
        setattr(explorer, name, value)
        image = explorer.wait()
        assert not torch.equal(image, shown), name
        shown = image
    explorer.channel = 1
    explorer.layer = explorer.layers[2]
    explorer.wait()
    assert set(explorer._view.pictures) == {"image", "activation", "spectrum"}
    assert torch.equal(explorer.activation(explorer.layers[-1]), explorer.image)
    assert explorer.spectrum().shape == (16, 16)


def test_late_styles_recompute_only_the_later_layers(explorer):
    explorer.mixed = [4]
    explorer.wait()
    assert explorer.computed_layers == len(explorer.layers) - 4


def test_dragging_and_buttons_move_the_traits(explorer):
    explorer._view._handle_custom_msg({"drag": [-0.5, 0.25], "how": "pan", "done": False}, [])
    assert (explorer.x, explorer.y) == (0.5, -0.25)
    explorer._view._handle_custom_msg({"drag": [0.1, 0.2], "how": "move", "done": True}, [])
    explorer._view._handle_custom_msg({"drag": [200.0, 0.0], "how": "turn", "done": True}, [])
    assert (explorer.tx, explorer.ty, explorer.rotation) == (0.1, 0.2, -160.0)
    explorer._mixing[2].value = True
    assert explorer.mixed == [2]
    explorer._layer_list.value = explorer.layers[1]
    assert explorer.layer == explorer.layers[1]
    explorer._channel.value = 2
    assert explorer.channel == 2
    explorer.mixed = [0]
    assert [button.value for button in explorer._mixing] == [True, *[False] * 5]


def test_a_second_network_is_shown_at_the_same_latents():
    explorer = gw.LatentExplorer(made(num_layers=4), beside=made(StyleGAN2Generator), locale="en", tx=0.1)
    explorer.wait()
    captions = [explorer._view.pictures[name]["caption"] for name in ("image", "beside")]
    explorer.close()
    three, two = (float(caption.split("with ")[1].split(" dB")[0]) for caption in captions)
    assert three > two


def test_a_film_has_the_requested_length(explorer, tmp_path):
    path = explorer.film(tmp_path / "walk.gif", [0, 1, Place(x=2, tx=0.1)], seconds=0.5)
    with Image.open(path) as film:
        assert film.n_frames == 10
        assert film.size == (128, 128)
    with pytest.raises(gw.DataError, match=r"\.gif"):
        explorer.film(tmp_path / "walk.txt", [0, 1])
    with pytest.raises(gw.DataError, match="two places"):
        explorer.film(tmp_path / "walk.gif", [0])


def press(explorer, name):
    explorer._walk_buttons[name].click()


def test_the_buttons_save_a_walk_through_the_added_points_as_a_film(explorer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(walk, "RATE", 3)
    (tmp_path / "walk-1.gif").write_bytes(b"mine")
    for x in (2.0, 5.0):
        explorer.x = x
        press(explorer, "add")
    assert [stop.x for stop in explorer.stops] == [2.0, 5.0]
    assert "Places: 2" in explorer._stop_count.value
    press(explorer, "save")
    explorer._tasks.settle()
    assert explorer._view.state == {"text": "Saved: walk-2.gif", "share": 1.0}
    assert (tmp_path / "walk-1.gif").read_bytes() == b"mine"
    expected = explorer.film(tmp_path / "expected.gif", explorer.stops).read_bytes()
    assert (tmp_path / "walk-2.gif").read_bytes() == expected
    assert not explorer._walk_buttons["save"].disabled
    press(explorer, "clear")
    assert explorer.stops == ()
    with pytest.raises(gw.DataError, match=r"\.gif"):
        explorer.save_walk("walk.txt")


def test_a_walk_is_played_in_the_picture_and_ends_at_the_current_point(explorer, monkeypatch):
    monkeypatch.setattr(walk, "RATE", 3)
    shown = []
    explorer._view.observe(lambda change: shown.append(change["new"]["image"]), "pictures")
    before = explorer.image
    explorer.play_walk(seconds=1.0)
    explorer._tasks.settle()
    assert [each["caption"] for each in shown[:-1]] == ["walk"] * 3
    assert shown[0]["png"] == shown[-1]["png"]  # The walk begins at the current point.
    assert len({each["png"] for each in shown[:3]}) == 3
    assert torch.equal(explorer.image, before)


@pytest.mark.parametrize("name", ["play", "save"])
def test_cancel_ends_a_walk(name, explorer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    states = []

    def cancel_after_the_first(change):
        states.append(change["new"]["text"])
        if states[-1].startswith("image 1 of"):
            explorer.cancel()

    explorer._view.observe(cancel_after_the_first, "state")
    press(explorer, name)
    explorer._tasks.settle()
    walked = [text for text in states if text.startswith("image ")]
    assert len(walked) == 1
    assert states[-1] == "cancelled" or name == "play"
    assert not list(tmp_path.iterdir())
    explorer.x = 7.0
    explorer.wait()
    assert explorer._view.state["share"] == 1.0


def test_another_choice_stops_a_playing_walk(explorer):
    def choose(change):
        if change["new"]["image"]["caption"] == "walk":
            explorer.x = 40.0

    explorer._view.observe(choose, "pictures")
    explorer.play_walk()
    image = explorer.wait()
    assert explorer._pictures["image"]["caption"] != "walk"
    explorer.close()
    other = gw.LatentExplorer(explorer._exploration.generator, x=40.0)
    assert torch.equal(other.wait(), image)
    other.close()


def test_invalid_choices_change_nothing(explorer):
    before = explorer.place
    with pytest.raises(TraitError, match="truncation_psi"):
        explorer.truncation_psi = 3
    with pytest.raises(gw.DataError, match="there is no layer"):
        explorer.layer = "L99"
    assert explorer.layer == ""
    assert explorer.place == before
    with pytest.raises(TypeError, match="truncation_psi"):
        gw.LatentExplorer(made(num_layers=4), truncation=1)


def test_a_cancelled_image_keeps_the_last_one(explorer):
    shown = explorer.wait()
    with explorer._lock:  # the thread waits here
        explorer.x = 3.0
        explorer.cancel()
    explorer._tasks.settle()
    assert torch.equal(explorer.image, shown)
    explorer.x = 4.0
    assert not torch.equal(explorer.wait(), shown)


def test_an_error_is_shown_and_the_next_image_is_computed(explorer, monkeypatch):
    monkeypatch.setattr(explorer._exploration, "image", lambda *_: 1 / 0)
    explorer.x = 1.0
    with pytest.raises(gw.DataError, match="ZeroDivisionError"):
        explorer.wait()
    monkeypatch.undo()
    explorer.x = 2.0
    assert explorer.wait().shape == (3, 16, 16)


def test_a_closed_explorer_shows_its_last_image(explorer):
    explorer.close()
    bundle = explorer._repr_mimebundle_()
    assert "was closed" in bundle["text/plain"]
    assert Image.open(io.BytesIO(explorer._pictures["image"]["png"])).size == (16, 16)
