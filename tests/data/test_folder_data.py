import numpy as np
import pytest
import torch
from PIL import Image

from ganwidgets.data import folder as folder_module
from ganwidgets.data import load_data
from ganwidgets.errors import DataError
from ganwidgets.messages import Message

RANDOM = np.random.default_rng(0)
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def picture(path, size=(8, 6), color=RED, mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new(mode, size, color)
    image.save(path, **options)
    return image


def pictures_of(source) -> torch.Tensor:
    """Return them in 0 to 255."""
    return ((source.read(torch.arange(source.size)) + 1) * 127.5).round().to(torch.uint8)


def refusal(data) -> str:
    with pytest.raises(DataError) as caught:
        load_data(data)
    assert isinstance(caught.value.args[0], Message)
    return str(caught.value)


def test_small_pictures_of_one_size_stay_as_they_are(tmp_path):
    known = RANDOM.integers(0, 256, (5, 6, 8, 3), dtype=np.uint8)
    for number, pixels in enumerate(known):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    for data in (tmp_path, str(tmp_path)):
        source = load_data(data)
        assert (source.kind, source.shape, source.size) == ("images", (3, 6, 8), 5)
        assert np.array_equal(pictures_of(source).permute(0, 2, 3, 1).numpy(), known)
        assert source.name == f"folder {tmp_path.name}"
        assert source.preset is None
        assert source.labels is None
        assert source.exact


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        ([(100, 80)], 64),
        ([(100, 80), (40, 50)], 40),
        ([(65, 65)], 64),
        ([(8, 6), (6, 8)], 6),
        ([(64, 65)], 64),
    ],
)
def test_others_become_squares_of_the_smallest_side(tmp_path, sizes, side):
    for number, size in enumerate(sizes):
        picture(tmp_path / f"{number}.png", size)
    assert load_data(tmp_path).shape == (3, side, side)


def test_the_centre_is_kept(tmp_path):
    image = Image.new("RGB", (300, 100), BLUE)
    image.paste(RED, (100, 0, 200, 100))
    image.save(tmp_path / "wide.png")
    found = pictures_of(load_data(tmp_path))[0]
    assert torch.equal(found[:, 4:-4, 4:-4], torch.tensor(RED)[:, None, None].expand(3, 56, 56).byte())


@pytest.mark.parametrize("ending", ["png", "PNG", "jpg", "jpeg", "bmp", "gif", "webp", "tif", "tiff"])
def test_formats(tmp_path, ending):
    picture(tmp_path / f"red.{ending}")
    assert load_data(tmp_path).shape == (3, 6, 8)


def test_grey_if_all_are_grey(tmp_path):
    picture(tmp_path / "a.png", color=100, mode="L")
    picture(tmp_path / "b.png", color=(100, 255), mode="LA")
    picture(tmp_path / "c.png", color=1, mode="1")
    assert pictures_of(load_data(tmp_path))[:, 0, 0, 0].tolist() == [100, 100, 255]
    picture(tmp_path / "d.png", color=(100, 100, 100))
    assert load_data(tmp_path).shape == (3, 6, 8)


def test_transparency_becomes_white(tmp_path):
    picture(tmp_path / "a.png", color=(255, 0, 0, 0), mode="RGBA")
    picture(tmp_path / "b.png", color=(255, 0, 0, 255), mode="RGBA")
    palette = Image.new("P", (8, 6), 0)
    palette.putpalette([0, 0, 255, 255, 0, 0])
    palette.save(tmp_path / "c.png", transparency=0)
    picture(tmp_path / "d.png", color=(7, 0), mode="LA")
    found = [tuple(image[:, 0, 0].tolist()) for image in pictures_of(load_data(tmp_path))]
    assert found == [WHITE, RED, WHITE, WHITE]


def test_sixteen_bits_become_eight(tmp_path):
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(values).save(tmp_path / "b.tif")
    source = load_data(tmp_path)
    assert source.shape == (1, 1, 4)
    assert pictures_of(source).flatten().tolist() == [0, 1, 128, 255] * 2


def test_numbers_without_a_known_range_are_refused_by_name(tmp_path):
    Image.fromarray(np.array([[0.0, 3.5]], np.float32)).save(tmp_path / "depth.tif")
    message = refusal(tmp_path)
    assert "depth.tif" in message
    assert "0 to 3.5" in message


def test_pictures_are_turned_upright(tmp_path):
    image = Image.new("RGB", (8, 6), BLUE)
    image.paste(RED, (0, 0, 8, 1))
    exif = Image.Exif()
    exif[0x0112] = 6  # the top row as stored is the right column of the picture
    image.save(tmp_path / "a.png", exif=exif)
    source = load_data(tmp_path)
    assert source.shape == (3, 8, 6)
    assert pictures_of(source)[0, :, :, -1].T.tolist() == [list(RED)] * 8
    picture(tmp_path / "b.png", (6, 8))
    assert load_data(tmp_path).shape == (3, 8, 6)


def test_of_an_animation_the_first_frame_counts(tmp_path):
    frames = [Image.new("RGB", (8, 6), color) for color in (RED, GREEN, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "b.webp", save_all=True, append_images=frames[1:], lossless=True)
    source = load_data(tmp_path)
    assert source.size == 2
    assert [image[:, 0, 0].tolist() for image in pictures_of(source)] == [list(RED)] * 2


def test_folders_are_classes(tmp_path):
    for name, number in (("dog", 3), ("cat", 2), ("eel/young", 1)):
        for index in range(number):
            picture(tmp_path / name / f"{index}.png")
    assert load_data(tmp_path).labels.tolist() == [0, 0, 1, 1, 1, 2]
    picture(tmp_path / "unsorted.png")
    assert load_data(tmp_path).labels is None


def test_one_folder_is_no_class(tmp_path):
    picture(tmp_path / "all" / "a.png")
    assert load_data(tmp_path).labels is None


def test_hidden_files_and_other_files_are_passed_over(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / ".ipynb_checkpoints" / "a-checkpoint.png")
    (tmp_path / "._a.png").write_bytes(b"a resource fork")
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "folder.png").mkdir()
    assert load_data(tmp_path).size == 1


def test_no_images(tmp_path):
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    message = refusal(tmp_path)
    assert str(tmp_path) in message
    assert "no images" in message
    assert "png, jpg" in message


def test_no_folder(tmp_path):
    assert f"no folder {tmp_path / 'photos'};" in refusal(tmp_path / "photos")
    assert "neither a preset nor an existing folder" in refusal(str(tmp_path / "photos"))


def test_a_file_is_no_folder(tmp_path):
    picture(tmp_path / "a.png")
    for data in (tmp_path / "a.png", str(tmp_path / "a.png")):
        assert "is a file" in refusal(data)


@pytest.mark.parametrize("contents", [b"", b"not an image", "cut"])
def test_a_broken_image_is_named(tmp_path, contents):
    for name in ("a", "b", "c"):
        Image.fromarray(RANDOM.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    broken = tmp_path / "b.png"
    broken.write_bytes(broken.read_bytes()[:1000] if contents == "cut" else contents)
    message = refusal(tmp_path)
    assert str(broken) in message
    assert "repair it or take it out" in message


def test_more_than_the_memory_is_for_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "LARGEST_FOLDER", 3 * 6 * 8 * 2)
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    assert load_data(tmp_path).size == 2
    picture(tmp_path / "c.png")
    message = refusal(tmp_path)
    assert "3 images" in message
    assert "Dataset" in message


def test_what_a_folder_holds_can_be_saved(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", color=BLUE)
    source = load_data(tmp_path)
    assert torch.equal(source.stored(), source.read(torch.arange(2)))
    assert source.fingerprint == load_data(str(tmp_path)).fingerprint
