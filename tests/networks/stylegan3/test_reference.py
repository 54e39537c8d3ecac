"""The published networks' outputs and gradients, reproduced from their weights."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from stylegan_reference import FOLDER, names, needs_reference, read, relative, state, under
from torch.nn.functional import softplus

from ganwidgets.networks.stylegan3 import Discriminator, Generator, StyleGAN2Generator
from ganwidgets.networks.stylegan3.filters import separable_terms
from ganwidgets.networks.stylegan3.generator import SynthesisLayer, mix_styles
from ganwidgets.networks.stylegan3.resampling import FilteredLeakyReLU, Resampling
from ganwidgets.networks.stylegan3.table import layer_table

pytestmark = needs_reference

ABSOLUTE = 1e-5
RELATIVE = 1e-4

AT_A_KINK = {"t16": 1e-3}
"""Gradient tolerance where an activation of layer 0 is zero within rounding, so that its slope is not defined."""


def generator(name: str):
    about, tensors = read("stylegan3", name)
    network = Generator(**about["init_kwargs"])
    network.load_state_dict(state(tensors))
    return network.eval(), about, tensors


def close(ours, theirs, tolerance=ABSOLUTE):
    assert float((ours - theirs).abs().max()) <= tolerance


@pytest.mark.parametrize("name", names("stylegan3"))
def test_a_generator_agrees_layer_by_layer(name):
    network, about, tensors = generator(name)
    z, c = tensors["z"], tensors["c"]
    seen = {}
    for key, layer in network.synthesis.named_children():
        layer.register_forward_hook(lambda _m, _i, out, key=key: seen.__setitem__(key, out[:1]))
    with torch.no_grad():
        close(network(z, c), tensors["img"])
    for key, theirs in under(tensors, "layer/").items():
        close(seen[key], theirs, ABSOLUTE * max(1.0, float(theirs.abs().max())))
    with torch.no_grad():
        (cutoff,) = (row["truncation_cutoff"] for row in about["truncation"] if row["truncation_psi"] == 0.5)
        close(network(z, c, 0.5, cutoff), tensors["img_psi0.5"])
        for row in about["truncation"]:
            ws = network.mapping(z, c, row["truncation_psi"], row["truncation_cutoff"])
            close(ws, tensors[row["key"]])
        ws = network.mapping(z, c)
        mixed = mix_styles(ws, ws.flip(0), range(about["stylemix"]["from_ws_index"], network.num_ws))
        close(network.synthesis(mixed), tensors["img_stylemix"])


@pytest.mark.parametrize("name", names("stylegan3"))
def test_a_generators_running_means_agree(name):
    network, _, tensors = generator(name)
    with torch.no_grad():
        close(network(tensors["z"], tensors["c"], update_emas=True), tensors["img_with_update_emas"], 2e-5)
    updated = network.state_dict()
    for key, theirs in under(tensors, "after_update_emas/").items():
        close(updated[key], theirs)


@pytest.mark.parametrize("name", names("stylegan3"))
def test_a_generators_gradients_agree(name):
    network, _, tensors = generator(name)
    z, c = tensors["z"].requires_grad_(), tensors["c"]
    (network(z, c) * tensors["probe"]).mean().backward()
    for key, theirs in under(tensors, "grad/").items():
        ours = z.grad if key == "z" else network.get_parameter(key).grad
        assert relative(ours, theirs) <= AT_A_KINK.get(name, RELATIVE), key


@pytest.mark.parametrize("name", names("stylegan3"))
def test_a_generators_path_lengths_and_their_gradients_agree(name):
    network, _, tensors = generator(name)
    ws = network.mapping(tensors["z"], tensors["c"])
    images = network.synthesis(ws)
    noise = tensors["pl/noise"] / images[0, 0].numel() ** 0.5
    (grads,) = torch.autograd.grad((images * noise).sum(), ws, create_graph=True)
    lengths = grads.square().sum(2).mean(1).sqrt()
    penalty = (lengths - torch.tensor(0.3).lerp(lengths.mean(), 0.01)).square()
    tolerance = AT_A_KINK.get(name, RELATIVE)
    assert relative(grads, tensors["pl/grads"]) <= tolerance
    assert relative(penalty, tensors["pl/penalty"]) <= 3 * tolerance
    (2 * penalty).mean().backward()
    for key, theirs in under(tensors, "pl/grad/").items():
        assert relative(network.get_parameter(key).grad, theirs) <= 10 * tolerance, key


@pytest.mark.parametrize("name", names("discriminator"))
def test_a_discriminator_its_gradients_and_those_of_r1_agree(name):
    about, tensors = read("discriminator", name)
    network = Discriminator(**about["init_kwargs"])
    network.load_state_dict(state(tensors))
    images, c = tensors["img"].requires_grad_(), tensors["c"]
    logits = network(images, c)
    close(logits, tensors["logits"])
    close(network(images[:4], c[:4]), tensors["logits_first4"])
    softplus(-logits).mean().backward(retain_graph=True)
    for key, theirs in under(tensors, "grad/").items():
        assert relative(network.get_parameter(key).grad, theirs) <= RELATIVE, key
    network.zero_grad()
    (grads,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    penalty = grads.square().sum((1, 2, 3))
    assert relative(penalty, tensors["r1/penalty"]) <= RELATIVE
    (penalty * 2.5 / 2).mean().backward()
    for key, theirs in under(tensors, "r1/grad/").items():
        assert relative(network.get_parameter(key).grad, theirs) <= RELATIVE, key


@pytest.mark.parametrize("name", names("stylegan2_generator"))
def test_a_stylegan2_generator_and_its_gradients_agree(name):
    about, tensors = read("stylegan2_generator", name)
    network = StyleGAN2Generator(**about["init_kwargs"])
    network.load_state_dict(state(tensors))
    z, c = tensors["z"], tensors["c"]
    images = network(z, c)
    close(images, tensors["img_noise_const"])
    close(network(z, c, noise="none"), tensors["img_noise_none"])
    close(network.mapping(z, c, 0.7, 2), tensors["ws_psi0.7_cut2"])
    (images * tensors["probe"]).mean().backward()
    for key, theirs in under(tensors, "grad/").items():
        assert relative(network.get_parameter(key).grad, theirs) <= RELATIVE, key


def test_layer_tables_and_filters_agree_at_every_published_size():
    tables = json.loads((FOLDER / "filters.json").read_text())
    designed = load_file(FOLDER / "filters.safetensors")
    for name, about in tables.items():
        if "layers" not in about:
            continue
        kwargs = about["init_kwargs"]
        skipped = {"z_dim", "c_dim", "w_dim", "mapping_kwargs", "magnitude_ema_beta"}
        table = layer_table(**{key: value for key, value in kwargs.items() if key not in skipped})
        for ours, theirs in zip(table, about["layers"], strict=True):
            for key, value in theirs.items():
                if key == "use_fp16":
                    continue
                mine = getattr(ours, key)
                mine = [mine, mine] if key in {"in_size", "out_size"} else mine
                assert np.allclose(mine, value, rtol=1e-12) if not isinstance(value, str) else mine == value
            if f"{name}/{ours.name}/up_filter" in designed or f"{name}/{ours.name}/down_filter" in designed:
                with torch.device("meta"):
                    filters = SynthesisLayer(4, ours, 0.5).filters()
                for key, taps in filters.items():
                    theirs_taps = designed.get(f"{name}/{ours.name}/{key}")
                    assert (taps is None) == (theirs_taps is None)
                    if taps is not None:
                        close(torch.from_numpy(taps), theirs_taps, 1e-7)


def test_filtered_leaky_relu_agrees_in_every_case():
    tensors = load_file(FOLDER / "ops" / "filtered_lrelu.safetensors")
    for case in json.loads((FOLDER / "ops" / "filtered_lrelu.json").read_text())["cases"]:
        mine = under(tensors, f"{case['key']}/")
        flip, up = case["flip_filter"], case["up"]

        def terms(key, mine=mine):
            return separable_terms(mine[key].double().numpy() if key in mine else None)

        nonlinearity = FilteredLeakyReLU(
            Resampling(terms("fu"), up=up, padding=tuple(case["padding"]), gain=float(up**2), flip=flip),
            Resampling(terms("fd"), down=case["down"], flip=flip),
            slope=case["slope"],
            gain=case["gain"],
            clamp=case["clamp"],
        )
        x = mine["x"].requires_grad_()
        y = nonlinearity(x if "b" not in mine else x + mine["b"][:, None, None])
        close(y, mine["y"])
        (y * mine["probe"]).sum().backward()
        assert relative(x.grad, mine["grad_x"]) <= RELATIVE or not mine["grad_x"].any()
