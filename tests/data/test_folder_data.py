import os
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from ganwidgets import DataWarning, GANTrainer, image_folder
from ganwidgets.data import load_data
from ganwidgets.data.images import folder as folder_module
from ganwidgets.data.images import folder_source as folder_source_module
from ganwidgets.data.images.folder_source import FolderSource
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


def test_a_square_picture_is_resized_to_the_same_bits_as_by_torchvision(tmp_path):
    v2 = pytest.importorskip("torchvision.transforms.v2")
    large = Image.fromarray(RANDOM.integers(0, 256, (150, 150, 3), dtype=np.uint8))
    large.save(tmp_path / "large.png")
    known = v2.Resize((32, 32), interpolation=v2.InterpolationMode.LANCZOS)(large)
    found = pictures_of(image_folder(tmp_path, size=32))[0].permute(1, 2, 0)
    assert np.array_equal(found.numpy(), np.array(known))


def test_opening_a_large_folder_shows_its_progress(tmp_path, capsys, monkeypatch):
    for number in range(40):
        picture(tmp_path / "faces" / f"{number}.png")
    before = set(threading.enumerate())
    image_folder(tmp_path / "faces")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(folder_module, "SHOWN_AFTER", 0)
    image_folder(tmp_path / "faces")
    progress = capsys.readouterr().err
    assert "faces" in progress
    assert "/40" in progress
    assert not set(threading.enumerate()) - before


def test_small_pictures_of_one_size_are_unchanged(tmp_path):
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
def test_other_pictures_become_squares_of_the_smallest_side(tmp_path, sizes, side):
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
def test_all_formats_are_read(tmp_path, ending):
    picture(tmp_path / f"red.{ending}")
    assert load_data(tmp_path).shape == (3, 6, 8)


def test_images_are_grey_if_all_files_are_grey(tmp_path):
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


def test_pictures_are_rotated_upright(tmp_path):
    image = Image.new("RGB", (8, 6), BLUE)
    image.paste(RED, (0, 0, 8, 1))
    exif = Image.Exif()
    exif[0x0112] = 6  # the top row in the file is the right column of the picture
    image.save(tmp_path / "a.png", exif=exif)
    source = load_data(tmp_path)
    assert source.shape == (3, 8, 6)
    assert pictures_of(source)[0, :, :, -1].T.tolist() == [list(RED)] * 8
    picture(tmp_path / "b.png", (6, 8))
    assert load_data(tmp_path).shape == (3, 8, 6)


def test_the_first_frame_of_an_animation_is_used(tmp_path):
    frames = [Image.new("RGB", (8, 6), color) for color in (RED, GREEN, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "b.webp", save_all=True, append_images=frames[1:], lossless=True)
    source = load_data(tmp_path)
    assert source.size == 2
    assert [image[:, 0, 0].tolist() for image in pictures_of(source)] == [list(RED)] * 2


def test_subfolders_are_classes(tmp_path):
    for name, number in (("dog", 3), ("cat", 2), ("eel/young", 1)):
        for index in range(number):
            picture(tmp_path / name / f"{index}.png")
    assert load_data(tmp_path).labels.tolist() == [0, 0, 1, 1, 1, 2]
    picture(tmp_path / "unsorted.png")
    with pytest.warns(DataWarning, match=r"has 1 pictures, such as unsorted\.png, beside the folders"):
        assert load_data(tmp_path).labels is None


def test_a_single_subfolder_is_no_class(tmp_path):
    picture(tmp_path / "all" / "a.png")
    assert load_data(tmp_path).labels is None


def test_hidden_files_and_other_files_are_ignored(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / ".ipynb_checkpoints" / "a-checkpoint.png")
    (tmp_path / "._a.png").write_bytes(b"a resource fork")
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "folder.png").mkdir()
    assert load_data(tmp_path).size == 1


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    message = refusal(tmp_path)
    assert str(tmp_path) in message
    assert "no images" in message
    assert "png, jpg" in message


def test_a_missing_folder_is_named(tmp_path):
    assert f"no folder {tmp_path / 'photos'};" in refusal(tmp_path / "photos")
    assert "neither a preset nor an existing folder" in refusal(str(tmp_path / "photos"))


def test_a_file_in_place_of_a_folder_is_refused(tmp_path):
    picture(tmp_path / "a.png")
    for data in (tmp_path / "a.png", str(tmp_path / "a.png")):
        assert "is a file; pass the folder of the images" in refusal(data)
    for name, remedy in (("a.CSV", "gw.read_points"), ("a.npy", "numpy.load"), ("a.zip", "unpack it")):
        (tmp_path / name).touch()
        assert remedy in refusal(tmp_path / name)


@pytest.mark.parametrize("contents", [b"", b"not an image", "cut"])
def test_a_damaged_image_is_named(tmp_path, contents):
    for name in ("a", "b", "c"):
        Image.fromarray(RANDOM.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    broken = tmp_path / "b.png"
    broken.write_bytes(broken.read_bytes()[:1000] if contents == "cut" else contents)
    message = refusal(tmp_path)
    assert str(broken) in message
    assert "repair it or take it out" in message


def numbered(folder, n, side=6):
    """Write n distinct pictures; return their pixels [n, 3, side, side]."""
    pixels = RANDOM.integers(0, 256, (n, side, side, 3), dtype=np.uint8)
    for number, each in enumerate(pixels):
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(each).save(folder / f"{number:03}.png")
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def test_a_few_damaged_images_are_left_out_and_named(tmp_path):
    known = numbered(tmp_path, 40)
    for number in (3, 17):
        (tmp_path / f"{number:03}.png").write_bytes(b"broken")
    with pytest.warns(DataWarning, match="2 of the 40 images") as caught:
        source = load_data(tmp_path)
    assert isinstance(caught[0].message.args[0], Message)
    assert all(f"{number:03}.png" in str(caught[0].message) for number in (3, 17))
    sound = [number for number in range(40) if number not in (3, 17)]
    assert torch.equal(pictures_of(source), known[sound])


def test_many_damaged_images_are_refused_with_their_names(tmp_path):
    numbered(tmp_path, 40)
    for number in (3, 17, 30):
        file = tmp_path / f"{number:03}.png"
        file.write_bytes(file.read_bytes()[:60])  # its header is intact, but its pixels are missing
    message = refusal(tmp_path)
    assert "3 of the 40 images" in message
    assert all(f"{number:03}.png" in message for number in (3, 17, 30))


def test_labels_belong_to_the_remaining_images(tmp_path):
    for name in ("cat", "dog"):
        numbered(tmp_path / name, 15)
    (tmp_path / "cat" / "004.png").write_bytes(b"broken")
    with pytest.warns(DataWarning, match=r"004\.png"):
        assert load_data(tmp_path).labels.tolist() == [0] * 14 + [1] * 15


def test_a_requested_size_is_used(tmp_path):
    picture(tmp_path / "a.png", (100, 80))
    picture(tmp_path / "b.png", (30, 50))
    assert image_folder(tmp_path, size=16).shape == (3, 16, 16)
    assert load_data(image_folder(str(tmp_path), size=128)).shape == (3, 128, 128)
    for size in (3, 513, True, 16.0):
        with pytest.raises(DataError, match="whole number of pixels from 4 to 512"):
            image_folder(tmp_path, size=size)


@pytest.fixture
def large(monkeypatch):
    """Treat every folder as too large to be read at once."""
    monkeypatch.setattr(folder_module, "READ_AT_ONCE", 0)


def test_a_large_folder_has_the_same_images_in_the_same_order(tmp_path, monkeypatch):
    numbered(tmp_path, 23)
    small = load_data(tmp_path)
    monkeypatch.setattr(folder_module, "READ_AT_ONCE", 0)
    source = load_data(tmp_path)
    assert isinstance(source, FolderSource)
    assert (source.kind, source.shape, source.size, source.name) == (small.kind, small.shape, 23, small.name)
    assert torch.equal(source.read(torch.arange(23)), small.read(torch.arange(23)))
    one, other = source.order(5), small.order(5)
    for start, n in ((0, 4), (4, 4), (40, 10), (19, 30), (3, 1)):
        assert torch.equal(one.take(start, n), other.take(start, n))


@pytest.mark.usefixtures("large")
def test_a_large_folder_is_read_ahead_within_bounded_memory(tmp_path, monkeypatch):
    known = numbered(tmp_path, 30)
    monkeypatch.setattr(folder_source_module, "KEPT", 12 * known[0].numel())
    source = load_data(tmp_path)
    reads = []
    decode = source.pictures._read
    source.pictures._read = lambda place: reads.append(place) or decode(place)
    order = source.order(0)
    order.take(0, 3)
    for place in (3, 4, 5, 6, 7, 8):  # two batches ahead
        index = order._chapter[place].item()
        source.pictures.get(index)
    assert len(reads) == len(set(reads)) == 9
    for start in range(3, 30, 3):
        order.take(start, 3)
    for future in list(source.pictures._futures.values()):
        future.result()
    source.pictures.get(0)
    assert len(source.pictures._futures) <= 12


@pytest.mark.usefixtures("large")
def test_fingerprints_distinguish_large_folders(tmp_path):
    numbered(tmp_path / "a", 5)
    first = load_data(tmp_path / "a").fingerprint
    assert load_data(tmp_path / "a").fingerprint == first
    picture(tmp_path / "a" / "005.png", (6, 6))
    assert load_data(tmp_path / "a").fingerprint != first


@pytest.mark.usefixtures("large")
def test_an_image_that_is_damaged_later_is_named_and_the_run_continues_after_the_repair(
    tmp_path,
):
    known = numbered(tmp_path, 12)
    trainer = GANTrainer(tmp_path, batch_size=4, g_hidden=(8,), d_hidden=(8,))
    twin = GANTrainer(tmp_path, batch_size=4, g_hidden=(8,), d_hidden=(8,))
    trainer.step(1)
    broken = trainer.source.order(0)
    broken.take(8, 1)
    number = broken._chapter[8].item()
    file = tmp_path / f"{number:03}.png"
    for future in list(trainer.source.pictures._futures.values()):
        future.result()
    trainer.source.pictures._futures.clear()
    content = file.read_bytes()
    file.write_bytes(b"broken")
    with pytest.raises(DataError, match=file.name):
        trainer.step(3)
    assert trainer.iteration == 2
    trainer.source.pictures.announce([number])  # read ahead while it is damaged
    assert trainer.source.pictures._futures[number].exception() is not None
    file.write_bytes(content)
    trainer.step(2)
    twin.step(4)
    assert trainer.state_hash() == twin.state_hash()
    assert len(known) == 12


def test_a_run_on_a_folder_can_be_saved(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", color=BLUE)
    source = load_data(tmp_path)
    assert torch.equal(source.stored(), source.read(torch.arange(2)))
    assert source.fingerprint == load_data(str(tmp_path)).fingerprint


# --- decisions over all pictures ------------------------------------------------------------------


@pytest.mark.parametrize("spacer", [(1, 1), (1, 300), (300, 2), (3, 3)])
@pytest.mark.parametrize(("sizes", "expected"), [([(32, 24)], (24, 32)), ([(90, 70), (50, 80)], (50, 50))])
@pytest.mark.parametrize("few", [1, 2])
def test_a_few_tiny_pictures_are_left_out_and_named(tmp_path, spacer, sizes, expected, few):
    for number in range(8):
        picture(tmp_path / f"{number}.png", sizes[number % len(sizes)])
    for number in range(few):
        picture(tmp_path / f"spacer{number}.png", spacer)
    with pytest.warns(DataWarning, match=f"^{few} of the {8 + few} images .* far smaller") as caught:
        source = load_data(tmp_path)
    assert isinstance(caught[0].message.args[0], Message)
    assert f"spacer0.png ({spacer[0]}x{spacer[1]})" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert (source.shape, source.size) == ((3, *expected), 8)
    assert image_folder(tmp_path, size=16).size == 8 + few


def test_one_picture_of_another_size_does_not_change_the_size(tmp_path):
    known = numbered(tmp_path, 8)
    picture(tmp_path / "wide.png", (40, 10))
    source = load_data(tmp_path)
    assert (source.shape, source.size) == ((3, 6, 6), 9)
    assert torch.equal(pictures_of(source)[:8], known)


@pytest.mark.parametrize("sizes", [[(8, 8), (40, 40)], [(8, 8), (9, 9), (50, 50), (60, 60)]])
def test_many_small_pictures_are_no_outliers(tmp_path, sizes):
    for number, size in enumerate(sizes):
        picture(tmp_path / f"{number}.png", size)
    assert (load_data(tmp_path).shape, load_data(tmp_path).size) == ((3, 8, 8), len(sizes))


def deep(path, values):
    Image.fromarray(np.array(values, np.uint16)).save(path)


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("read_at_once", [0, 10**9])
def test_fewer_than_sixteen_bits_are_detected_and_reported(tmp_path, monkeypatch, ending, bits, read_at_once):
    monkeypatch.setattr(folder_module, "READ_AT_ONCE", read_at_once)
    white = 2**bits - 1
    values = RANDOM.integers(0, white + 1, (6, 8, 8))
    values[:, 0, :2] = 0, white
    for number, each in enumerate(values):
        deep(tmp_path / f"{number}.{ending}", each)
    with pytest.warns(DataWarning, match=f"at most {white}, of 65535"):
        source = load_data(tmp_path)
    assert source.options.value_range == (0, white)
    assert f"black 0, white {white}" in repr(source)
    assert torch.allclose(
        source.read(torch.arange(6)), torch.tensor(values / white * 2 - 1).float()[:, None], atol=0.01
    )
    again = load_data(tmp_path, source.options)
    assert again.fingerprint == source.fingerprint
    dark = image_folder(tmp_path, value_range=(0, 65535))
    assert dark.read(torch.arange(6)).max() < -0.4


def test_a_few_bright_pixels_of_sixteen_bits_do_not_change_the_range(tmp_path):
    values = RANDOM.integers(0, 4096, (4, 32, 32))
    values[0, 0, :3] = 65535
    for number, each in enumerate(values):
        deep(tmp_path / f"{number}.png", each)
    with pytest.warns(DataWarning, match="at most 4095"):
        assert load_data(tmp_path).options.value_range == (0, 4095)


def test_fractions_are_read_with_a_given_range(tmp_path):
    Image.fromarray(np.array([[0.0, 3.5], [1.75, 7]], np.float32)).save(tmp_path / "depth.tif")
    assert "value_range=(0, 7)" in refusal(tmp_path)
    assert pictures_of(image_folder(tmp_path, value_range=(0, 3.5))).flatten().tolist() == [0, 255, 128, 255]


@pytest.mark.parametrize("read_at_once", [0, 10**9])
def test_masks_become_black_and_white(tmp_path, monkeypatch, read_at_once):
    monkeypatch.setattr(folder_module, "READ_AT_ONCE", read_at_once)
    masks = RANDOM.integers(0, 2, (6, 8, 8), dtype=np.uint8)
    for number, mask in enumerate(masks):
        Image.fromarray(mask).save(tmp_path / f"{number}.png")
    source = load_data(tmp_path)
    assert source.options.value_range == (0, 1)
    assert torch.equal(source.read(torch.arange(6))[:, 0], torch.tensor(masks) * 2.0 - 1)


# --- links ----------------------------------------------------------------------------------------


def test_class_folders_may_be_links(tmp_path):
    known = {name: numbered(tmp_path / "elsewhere" / name, 3) for name in ("a", "b")}
    data = tmp_path / "data"
    (data / "cat").mkdir(parents=True)
    (data / "dog").symlink_to(tmp_path / "elsewhere" / "a")
    picture(data / "cat" / "0.png", (6, 6))
    (data / "cat" / "more").symlink_to(tmp_path / "elsewhere" / "b", target_is_directory=True)
    source = load_data(data)
    assert source.labels.tolist() == [0] * 4 + [1] * 3
    assert torch.equal(pictures_of(source)[4:], known["a"])
    link = tmp_path / "link"
    link.symlink_to(data)
    assert load_data(link).labels.tolist() == source.labels.tolist()


def test_circular_links_are_read_once_and_named(tmp_path):
    numbered(tmp_path / "data" / "cat", 3)
    numbered(tmp_path / "data" / "dog", 3)
    (tmp_path / "data" / "cat" / "up").symlink_to(tmp_path)
    (tmp_path / "data" / "eel").symlink_to(tmp_path / "data" / "dog")
    (tmp_path / "data" / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "data" / "itself").symlink_to(tmp_path / "data")
    numbered(tmp_path / "aside" / "b", 2)
    (tmp_path / "aside" / "a").symlink_to(tmp_path / "data" / "cat")
    (tmp_path / "data" / "side").symlink_to(tmp_path / "aside")
    with pytest.warns(DataWarning, match=r"^5 entries of") as caught:
        source = load_data(tmp_path / "data")
    assert source.size == 8
    message = str(caught[0].message)
    assert all(
        name in message
        for name in ("cat/up leads", "eel leads to", "gone leads nowhere", "itself leads", "side/a leads")
    )


def test_a_broken_link_is_named_like_a_damaged_picture(tmp_path):
    numbered(tmp_path, 30)
    (tmp_path / "003.png").unlink()
    (tmp_path / "003.png").symlink_to(tmp_path / "gone.png")
    with pytest.warns(DataWarning, match=r"1 of the 30 images .*003\.png"):
        assert load_data(tmp_path).size == 29


def test_a_pipe_is_not_opened_as_a_picture(tmp_path):
    numbered(tmp_path, 2)
    os.mkfifo(tmp_path / "pipe.png")
    assert load_data(tmp_path).size == 2
