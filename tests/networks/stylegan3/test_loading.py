"""Network pickles in the published format, written here; damaged and hostile ones."""

import io
import os
import pickle
import random
import struct
import sys
import types

import pytest
import torch

from ganwidgets.errors import CheckpointError, CheckpointWarning
from ganwidgets.networks.stylegan3 import Generator, StyleGAN2Generator, initialize, load_stylegan
from ganwidgets.networks.stylegan3.convolutions import resampling_filter
from ganwidgets.networks.stylegan3.generator import SynthesisLayer

T = {"channel_base": 64, "channel_max": 4, "num_layers": 4, "margin_size": 3, "magnitude_ema_beta": 0.99}
KINDS = {
    "t": (Generator, T),
    "r": (Generator, {**T, "conv_kernel": 1, "use_radial_filters": True}),
    "stylegan2": (StyleGAN2Generator, {"channel_base": 64, "channel_max": 4}),
    "ada": (StyleGAN2Generator, {"channel_base": 64, "channel_max": 4, "conv_clamp": None}),
}


class Stored:
    """Pickled as the published code pickles a module: its source and its attributes."""

    def __init__(self, class_name, state):
        self.meta = {
            "type": "class",
            "version": 6,
            "module_src": "import os; os.environ['GANWIDGETS_EXECUTED'] = 'module_src'",
            "class_name": class_name,
            "state": state,
        }

    def __reduce__(self):
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,)


def stored(module, **extra):
    buffers = dict(module._buffers)
    if isinstance(module, SynthesisLayer):
        filters = module.filters().items()
        buffers |= {key: None if taps is None else torch.from_numpy(taps).float() for key, taps in filters}
    elif hasattr(module, "taps"):
        buffers["resample_filter"] = torch.from_numpy(resampling_filter(module.taps)).float()
    state = {
        "training": False,
        "_parameters": dict(module._parameters),
        "_buffers": buffers,
        "_modules": {name: stored(part) for name, part in module._modules.items()},
        **extra,
    }
    return Stored(type(module).__name__, state)


@pytest.fixture
def published(monkeypatch):
    """Return a function that writes a network as a pickle of the published format."""
    persistence = types.ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(_meta):
        raise AssertionError("the pickle was executed")

    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    persistence._reconstruct_persistent_obj = _reconstruct_persistent_obj
    monkeypatch.setitem(sys.modules, "torch_utils", types.ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, "torch_utils.persistence", persistence)
    monkeypatch.delenv("GANWIDGETS_EXECUTED", raising=False)

    def written(kind):
        cls, options = KINDS[kind]
        network = cls(8, 3, 8, 16, 3, mapping_kwargs={"num_layers": 2}, **options).eval()
        initialize(network, torch.Generator().manual_seed(3))
        kwargs = dict(options)
        if kind == "ada":
            del kwargs["conv_clamp"]
            kwargs = {"synthesis_kwargs": {**kwargs, "num_fp16_res": 4}}
        kwargs |= {"z_dim": 8, "c_dim": 3, "w_dim": 8, "img_resolution": 16, "img_channels": 3}
        kwargs["mapping_kwargs"] = {"num_layers": 2}
        ema = stored(network, _init_args=(), _init_kwargs=kwargs)
        content = {"G": None, "D": None, "G_ema": ema, "training_set_kwargs": {}, "augment_pipe": None}
        return network, pickle.dumps(content, protocol=4)

    yield written
    assert "GANWIDGETS_EXECUTED" not in os.environ


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_published_file_gives_its_network_and_a_safetensors_file(kind, published, tmp_path):
    network, content = published(kind)
    path = tmp_path / "network.pkl"
    path.write_bytes(content)
    loaded = load_stylegan(path)
    z, c = torch.randn(2, 8, generator=torch.Generator().manual_seed(1)), torch.eye(3)[:2]
    assert (loaded.z_dim, loaded.c_dim, loaded.w_dim) == (8, 3, 8)
    assert (loaded.img_resolution, loaded.img_channels) == (16, 3)
    with torch.no_grad():
        expected = network(z, c, 0.7)
        assert torch.equal(loaded(z, c, 0.7), expected)
        assert torch.equal(loaded.synthesis(loaded.mapping(z, c, 0.7)), expected)
        assert torch.equal(load_stylegan(tmp_path / "network.safetensors")(z, c, 0.7), expected)
        assert torch.equal(load_stylegan(path)(z, c, 0.7), expected)


def test_a_foreign_safetensors_file_beside_it_stays(published, tmp_path):
    _, content = published("t")
    (tmp_path / "network.pkl").write_bytes(content)
    (tmp_path / "network.safetensors").write_bytes(b"mine")
    with pytest.warns(CheckpointWarning, match="was not written"):
        load_stylegan(tmp_path / "network.pkl")
    assert (tmp_path / "network.safetensors").read_bytes() == b"mine"


class Runs:
    """What a hostile pickle does when an ordinary reader loads it."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


MARKER = "import os; os.environ['GANWIDGETS_EXECUTED'] = 'code'"

HOSTILE = [
    Runs(exec, MARKER),
    Runs(eval, "__import__('os').putenv('GANWIDGETS_EXECUTED', '1')"),
    Runs(os.system, "true"),
    Runs(__import__, "antigravity"),
    Runs(torch.load, "/etc/passwd"),
    Runs(pickle.loads, pickle.dumps(Runs(exec, MARKER))),
    Runs(torch.storage._load_from_bytes, pickle.dumps(Runs(exec, MARKER))),
    Runs(bytearray, 2**20),
    Runs(print, "executed"),
]


def load_bytes(tmp_path, content):
    path = tmp_path / "hostile.pkl"
    path.write_bytes(content)
    return load_stylegan(path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.usefixtures("published")
def test_hostile_pickles_of_every_protocol_execute_nothing(protocol, tmp_path):
    for hostile in HOSTILE:
        for content in (hostile, {"G_ema": hostile}, [{"G_ema": Stored("Generator", {"_modules": hostile})}]):
            with pytest.raises(CheckpointError):
                load_bytes(tmp_path, pickle.dumps(content, protocol))
    assert not list(tmp_path.glob("*.safetensors"))


def test_200_damaged_files_are_refused_or_are_not_damaged_where_it_counts(published, tmp_path):
    network, content = published("t")
    draw = random.Random(0)  # noqa: S311 - a repeatable test
    refused = 0
    expected = network.state_dict()
    for _ in range(200):
        damaged = bytearray(content)
        if draw.random() < 0.4:
            del damaged[draw.randrange(len(damaged)) :]
        else:
            for _ in range(draw.randrange(1, 20)):
                damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        (tmp_path / "hostile.safetensors").unlink(missing_ok=True)
        try:
            loaded = load_bytes(tmp_path, bytes(damaged))
        except CheckpointError:
            refused += 1
            continue
        # The format has no checksum: a changed weight is a weight. Structure and shapes must be whole.
        state = loaded.state_dict()
        assert {key: value.shape for key, value in state.items()} == {
            key: value.shape for key, value in expected.items()
        }
    assert refused > 100


@pytest.mark.usefixtures("published")
def test_deep_nesting_cycles_and_false_lengths_are_refused(tmp_path):
    deep = b"\x80\x04" + b")" + b"\x85" * 200_000 + b"."
    key = b"\x80\x04}" + b")" + b"\x85" * 200_000 + b"Ns."
    cycle = b"\x80\x04]\x94h\x00a."
    huge = b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x."
    for content in (deep, key, cycle, huge, b"", b"\x80\x04.", b"PK\x03\x04" + bytes(40), b"\x80\x04N0."):
        with pytest.raises(CheckpointError):
            load_bytes(tmp_path, content)


@pytest.mark.usefixtures("published")
def test_tensors_outside_their_storage_and_sizes_beyond_reason_are_refused(tmp_path):
    storage = torch.arange(4.0).storage()
    outside = Runs(torch._utils._rebuild_tensor_v2, storage, 2, (4,), (1,), False, {})
    with pytest.raises(CheckpointError, match="outside its storage"):
        load_bytes(tmp_path, pickle.dumps({"G_ema": outside}, 4))
    state = {
        "_init_args": (),
        "_init_kwargs": {"img_resolution": 2**40},
        "_buffers": {},
        "_modules": {
            "synthesis": Stored(
                "S", {"_modules": {"input": Stored("I", {"_buffers": {"freqs": torch.ones(2)}})}}
            )
        },
    }
    with pytest.raises(CheckpointError, match="img_resolution"):
        load_bytes(tmp_path, pickle.dumps({"G_ema": Stored("Generator", state)}, 4))


def test_a_file_that_is_missing_or_of_another_project_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"missing\.pkl"):
        load_stylegan(tmp_path / "missing.pkl")
    buffer = io.BytesIO()
    torch.save({"weight": torch.ones(2)}, buffer)
    with pytest.raises(CheckpointError):
        load_bytes(tmp_path, buffer.getvalue())
