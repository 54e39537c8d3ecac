"""Translation equivariance: the published values, and transforms with exact results."""

import json

import pytest
import torch
from safetensors.torch import load_file
from stylegan_reference import FOLDER, needs_reference, read, state

from ganwidgets.metrics.equivariance import psnr, translated, translated_by_fraction, translation_error
from ganwidgets.metrics.rotation import band_limited, rotated, rotation_error
from ganwidgets.networks.stylegan3 import Generator, initialize

MOVES = {"t_int": (translated, "eqt_int"), "t_frac": (translated_by_fraction, "eqt_frac")}


@needs_reference
def test_moved_images_and_masks_agree():
    tensors = load_file(FOLDER / "equivariance.safetensors")
    kinds = {
        "apply_integer_translation": translated,
        "apply_fractional_translation": translated_by_fraction,
        "apply_fractional_rotation": rotated,
        "apply_fractional_pseudo_rotation": band_limited,
    }
    for case in json.loads((FOLDER / "equivariance.json").read_text())["cases"]:
        moved, mask = kinds[case["op"]](tensors["x"], *case["args"])
        key = f"{case['op']}/{case['key']}"
        torch.testing.assert_close(moved, tensors[f"{key}/y"], rtol=0, atol=1e-5)
        assert torch.equal(mask, tensors[f"{key}/mask"])


@needs_reference
@pytest.mark.parametrize("name", ["t32", "r32", "t64", "r64", "t32_short_gray"])
@pytest.mark.parametrize("moves", list(MOVES))
def test_translation_equivariance_agrees(name, moves):
    tensors = load_file(FOLDER / "equivariance.safetensors")
    figures = json.loads((FOLDER / "equivariance.json").read_text())["metrics"][name]
    about, own = read("stylegan3", name)
    network = Generator(**about["init_kwargs"])
    network.load_state_dict(state(own))
    transform = network.synthesis.input.transform
    before = transform.clone()
    move, figure = MOVES[moves]
    error = pixels = 0.0
    for z, (tx, ty) in zip(
        tensors[f"metric/{name}/z"], tensors[f"metric/{name}/{moves}"].tolist(), strict=True
    ):
        c = torch.eye(max(network.c_dim, 1))[:1].expand(len(z), -1) if network.c_dim else None
        with torch.no_grad():
            ws = network.mapping(z, c)
        found = translation_error(lambda ws=ws: network.synthesis(ws), transform, [(tx, ty)], move)
        error, pixels = error + found[0], pixels + found[1]
    # Errors near 100 dB are float32 rounding: they agree to hundredths of a decibel.
    assert psnr(error, pixels) == pytest.approx(figures[figure], abs=0.05)
    assert torch.equal(transform, before)


@needs_reference
@pytest.mark.parametrize("name", ["t32", "r32", "t32_short_gray"])
def test_rotation_equivariance_agrees(name):
    tensors = load_file(FOLDER / "equivariance.safetensors")
    figures = json.loads((FOLDER / "equivariance.json").read_text())["metrics"][name]
    about, own = read("stylegan3", name)
    network = Generator(**about["init_kwargs"])
    network.load_state_dict(state(own))
    error = pixels = 0.0
    for z, angle in zip(tensors[f"metric/{name}/z"], tensors[f"metric/{name}/angle"].tolist(), strict=True):
        c = torch.eye(max(network.c_dim, 1))[:1].expand(len(z), -1) if network.c_dim else None
        with torch.no_grad():
            ws = network.mapping(z, c)
        transform = network.synthesis.input.transform
        found = rotation_error(lambda ws=ws: network.synthesis(ws), transform, [angle])
        error, pixels = error + found[0], pixels + found[1]
    assert psnr(error, pixels) == pytest.approx(figures["eqr"], abs=0.05)


def test_a_quarter_turn_is_exact_within_its_mask():
    side = torch.linspace(-1, 1, 32)
    images = (torch.cos(4 * side)[:, None] * torch.sin(3 * side + 1))[None, None]
    turned, mask = rotated(images, torch.pi / 2)
    assert mask.any()
    torch.testing.assert_close(turned * mask, torch.rot90(images, 1, (2, 3)) * mask, rtol=0, atol=2e-2)


def test_a_fractional_move_by_whole_pixels_equals_the_integer_move():
    images = torch.randn(1, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    moved, mask = translated_by_fraction(images, 2 / 16, -3 / 16)
    expected, _ = translated(images, 2 / 16, -3 / 16)
    assert mask.any()
    torch.testing.assert_close(moved * mask, expected * mask, rtol=0, atol=1e-5)


def test_a_given_error_has_its_decibels():
    assert psnr(4.0, 1.0) == pytest.approx(0.0)
    assert psnr(0.04, 1.0) == pytest.approx(20.0)


def test_a_small_generator_is_equivariant_and_its_transform_is_restored():
    network = Generator(8, 0, 8, 32, 1, channel_base=64, channel_max=4, num_layers=4).eval()
    initialize(network, torch.Generator().manual_seed(0))
    ws = network.mapping(torch.randn(2, 8, generator=torch.Generator().manual_seed(1)))
    transform = network.synthesis.input.transform
    found = translation_error(lambda: network.synthesis(ws), transform, [(0.125, 0.0)], translated)
    assert psnr(*found) > 40
    assert torch.equal(transform, torch.eye(3))
