"""Exported pictures, films and pages; exporting does not change the run."""

from __future__ import annotations

import re
import sys
import warnings
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from ganwidgets import GANTrainer
from ganwidgets.messages import catalog
from ganwidgets.rendering.pictures.scene import SEED
from ganwidgets.rendering.pictures.svg import Line, chart
from ganwidgets.runs.timeline.past_networks import spread

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}
NASTY = "<script>alert('x')</script> & \"quotes\""
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Parses a page strictly: every element is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.found if found == tag]


@pytest.fixture(scope="module")
def digits() -> GANTrainer:
    trainer = GANTrainer("digits", latent_dim=4, **SMALL)
    trainer.step(250)
    trainer.change(NASTY, lr_d=1e-4)
    trainer.step(20)
    trainer.timeline.fork(NASTY)
    trainer.step(5)
    return trainer


@pytest.fixture(scope="module")
def points() -> GANTrainer:
    trainer = GANTrainer("ring8", latent_dim=2, **SMALL)
    trainer.step(120)
    return trainer


@pytest.mark.parametrize("ending", [".png", ".gif", ".html", ".PNG", ".webp", ".apng"])
@pytest.mark.parametrize("data", ["digits", "points"])
def test_exporting_does_not_change_the_run(request, tmp_path, data, ending):
    trainer = request.getfixturevalue(data)
    before, seq = trainer.state_hash(), len(trainer.interventions)
    path = trainer.export(tmp_path / f"run{ending}", locale="en")
    assert path.stat().st_size > 1000
    assert (trainer.state_hash(), len(trainer.interventions)) == (before, seq)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_picture_of_images_has_one_square_per_pixel(digits, tmp_path):
    picture = np.array(Image.open(digits.export(tmp_path / "now.png")).convert("L"))
    scale = 12  # 5 images of 8 pixels and 4 gaps of 1 pixel: 44
    assert picture.shape == (44 * scale, 44 * scale)
    samples = np.rint(digits.sample(25, seed=SEED).numpy() * 255).astype(np.uint8)
    for place, sample in enumerate(samples[:, 0]):
        top, left = place // 5 * 9 * scale, place % 5 * 9 * scale
        tile = picture[top : top + 8 * scale, left : left + 8 * scale]
        assert np.array_equal(tile, sample.repeat(scale, 0).repeat(scale, 1))


def test_a_film_shows_each_stored_state_on_the_path_and_the_current_one(digits, tmp_path):
    film = Image.open(digits.export(tmp_path / "run.gif"))
    kept = {place.iteration for place in digits.timeline.snapshots if place.iteration < digits.iteration}
    assert film.n_frames == len(kept) + 1
    frames = []
    for number in range(film.n_frames):
        film.seek(number)
        frames.append(np.array(film.convert("L")))
    now = np.array(Image.open(digits.export(tmp_path / "now.png")).convert("L"))
    assert np.array_equal(frames[-1][12 : 12 + len(now), 12 : 12 + len(now)], now)
    first = GANTrainer("digits", latent_dim=4, **SMALL)
    begun = np.array(Image.open(first.export(tmp_path / "first.png")).convert("L"))
    assert np.array_equal(frames[0][12 : 12 + len(begun), 12 : 12 + len(begun)], begun)


@pytest.mark.parametrize("ending", ["webp", "apng"])
def test_lossless_films_equal_the_gif_of_grey_images(digits, tmp_path, ending):
    film, known = (Image.open(digits.export(tmp_path / f"run.{kind}")) for kind in (ending, "gif"))
    assert film.n_frames == known.n_frames
    for number in range(film.n_frames):
        film.seek(number)
        known.seek(number)
        assert np.array_equal(np.array(film.convert("RGB")), np.array(known.convert("RGB")))


def test_a_video_has_the_frames_of_the_other_films_and_its_last_frame_longest(digits, tmp_path):
    video = pytest.importorskip("imageio_ffmpeg")
    known = Image.open(digits.export(tmp_path / "run.gif"))
    read = video.read_frames(str(digits.export(tmp_path / "run.mp4")))
    wide, high = next(read)["size"]
    frames = [np.frombuffer(frame, np.uint8).reshape(high, wide, 3).astype(float) for frame in read]
    assert len(frames) == 50 + 25 * (known.n_frames - 1), "two seconds of the last, one of each other"
    for number, at in ((0, 0), (0, 24), (known.n_frames - 1, -50), (known.n_frames - 1, -1)):
        known.seek(number)
        picture = np.array(known.convert("RGB"), float)
        assert np.abs(frames[at][: picture.shape[0], : picture.shape[1]] - picture).mean() < 3


def test_a_video_without_its_package_names_the_package_and_leaves_no_file(digits, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r"pip install ganwidgets\[video\].*\.gif"):
        digits.export(tmp_path / "run.mp4", locale="en")
    assert not list(tmp_path.iterdir())


def test_after_time_travel_a_film_shows_the_path_to_the_current_state(tmp_path):
    trainer = GANTrainer("digits", latent_dim=4, **SMALL)
    trainer.step(150)
    trainer.timeline.goto(50)
    trainer.change(lr_g=0.01)
    trainer.step(20)
    straight = GANTrainer("digits", latent_dim=4, **SMALL)
    straight.step(50)
    straight.change(lr_g=0.01)
    straight.step(20)
    one, other = (
        Image.open(each.export(tmp_path / f"{name}.gif", locale="en"))
        for name, each in (("travelled", trainer), ("straight", straight))
    )
    for film in (one, other):
        film.seek(film.n_frames - 1)
    assert np.array_equal(np.array(one.convert("L")), np.array(other.convert("L")))
    assert one.n_frames == other.n_frames + 1  # the state at the start of the branch is stored too


@pytest.mark.parametrize("data", ["digits", "points"])
def test_a_page_is_self_contained(request, tmp_path, data):
    trainer = request.getfixturevalue(data)
    text = trainer.export(tmp_path / "run.html", locale="en").read_text("utf-8")
    page = Page(text)
    assert "http" not in text.replace("http-equiv", "")
    addresses = [attributes.get("src") for attributes in page.all("img")]
    addresses += [attributes.get("href") for attributes in page.all("image")]
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert len(page.all("script")) == 1  # the script of the slider
    assert [each["type"] for each in page.all("input") if each["type"] != "checkbox"] == ["range"]
    assert not page.all("link")
    assert all(attributes.get("alt") for attributes in page.all("img"))
    assert "prefers-color-scheme: dark" in text
    assert str(trainer.iteration) in page.text
    assert trainer.timeline.script() in page.text


def test_a_logarithmic_chart_of_a_page_counts_its_gaps():
    mean = np.array([1.0, 10.0, 0.0, -3.0, 100.0, 1000.0])
    line = Line("loss of D", "d", (np.arange(6), mean - 0.5, mean, mean + 0.5))
    text = chart("Losses", [line], "iteration", "loss", catalog("en"))
    Page(text)
    linear, logarithmic = text.split('<svg class="chart logarithmic"')
    assert linear.count("<polyline") == 1
    heights = [
        [float(pair.split(",")[1]) for pair in points.split()]
        for points in re.findall(r'<polyline [^>]*points="([^"]*)"', logarithmic)
    ]
    (one, ten), (hundred, thousand) = heights
    assert one - ten == pytest.approx(hundred - thousand, abs=0.2), "equal ratios are equally far"
    assert ten - hundred == pytest.approx(one - ten, abs=0.2)
    assert "2 values of 0 or less" in logarithmic
    assert len(re.findall('type="checkbox"', text)) == 2, "the curve's own, and that of the axis"


def test_a_chart_without_positive_values_has_no_logarithmic_axis():
    mean = np.full(4, -1.0)
    line = Line("loss of D", "d", (np.arange(4), mean, mean, mean))
    assert "logarithmic" not in chart("Losses", [line], "iteration", "loss", catalog("en"))


def test_user_text_is_escaped(digits, tmp_path):
    page = Page(digits.export(tmp_path / "run.html", locale="en").read_text("utf-8"))
    assert page.text.count(NASTY) >= 2  # the reason, and the name of the branch


def test_a_page_in_french(digits, tmp_path):
    text = digits.export(tmp_path / "run.html", locale="fr").read_text("utf-8")
    assert '<html lang="fr">' in text
    assert "Réglages" in text


@pytest.mark.parametrize("name", ["run.mov", "run", "run.jpeg"])
def test_an_unknown_file_extension_is_refused_with_the_valid_ones(points, tmp_path, name):
    with pytest.raises(ValueError, match=r"run.*\.png, \.gif, .*\.mp4, \.html"):
        points.export(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(points, tmp_path):
    with pytest.raises(OSError, match=r"nowhere.*cannot be written.*choose another folder"):
        points.export(tmp_path / "nowhere" / "run.png")


def test_labels_are_in_columns(tmp_path):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(60, 1, 8, 8, generator=generator)
    trainer = GANTrainer((images, torch.arange(60) % 3), conditional=True, latent_dim=4, **SMALL)
    trainer.step(3)
    picture = Image.open(trainer.export(tmp_path / "run.png"))
    assert picture.width < picture.height  # three labels, eight images of each
    trainer.export(tmp_path / "run.html")


@pytest.mark.parametrize("features", [1, 3])
def test_points_of_other_dimensions_are_drawn(tmp_path, features):
    trainer = GANTrainer(torch.randn(50, features, generator=torch.Generator().manual_seed(0)), **SMALL)
    trainer.step(2)
    for ending in ("png", "gif", "html"):
        trainer.export(tmp_path / f"run.{ending}")


def test_a_run_without_steps_is_exported(tmp_path):
    trainer = GANTrainer("moons", **SMALL)
    for ending in ("png", "gif", "html"):
        trainer.export(tmp_path / f"run.{ending}")
    assert Image.open(BytesIO((tmp_path / "run.gif").read_bytes())).n_frames == 1


def test_a_missing_snapshot_is_left_out(tmp_path, monkeypatch):
    trainer = GANTrainer("digits", latent_dim=4, **SMALL)
    trainer.step(250)
    snapshots = trainer._session.snapshots
    lost = sorted(snapshots, key=lambda snapshot: snapshot.place.iteration)[1]
    read = snapshots.read
    monkeypatch.setattr(snapshots, "read", lambda snapshot: None if snapshot is lost else read(snapshot))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        film = Image.open(trainer.export(tmp_path / "run.gif"))
    assert film.n_frames == len(trainer.timeline.snapshots) - 1 + 1


@pytest.mark.parametrize(("size", "most"), [(0, 3), (1, 3), (5, 5), (100, 7), (3, 1)])
def test_states_are_chosen_evenly(size, most):
    chosen = spread(range(size), most)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(size, most)
    if size and most > 1:
        assert (chosen[0], chosen[-1]) == (0, size - 1)
