"""Torch modes set by the caller do not change a run, and are restored afterwards."""

import contextlib
import functools

import pytest
import torch
from torch import nn
from torch._functorch.eager_transforms import grad_increment_nesting
from torch._functorch.vmap import vmap_increment_nesting
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import ganwidgets as gw
from ganwidgets import GANTrainer
from ganwidgets.stepping.runtime.ambient import _saved_tensors_hooks, pinned

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 16}


@contextlib.contextmanager
def setting(read, write, value):
    before = read()
    write(value)
    try:
        yield
    finally:
        write(before)


@contextlib.contextmanager
def precision(backend, operation, rounded_by):
    """Set modes that only the functions behind `torch.backends` can set."""
    torch._C._set_fp32_precision_setter(backend, operation, rounded_by)
    try:
        yield
    finally:
        torch._C._set_fp32_precision_setter(backend, operation, "none")


def precisions():
    if not hasattr(torch._C, "_get_fp32_precision_getter"):
        return torch.get_float32_matmul_precision()
    levels = ("generic", "all"), *(("mkldnn", name) for name in ("all", "matmul", "conv", "rnn"))
    return [torch._C._get_fp32_precision_getter(*level) for level in levels]


def flushes_denormals():
    return bool((torch.tensor([1e-310], dtype=torch.float64) * 1.0 == 0).item())


class HalvedFunctions(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        return found / 2 if func is nn.functional.linear else found


class HalvedOperations(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        return found / 2 if func is torch.ops.aten.addmm.default else found


def rounded(tensor):
    return tensor.bfloat16().to(tensor.dtype) if tensor.is_floating_point() else tensor


@contextlib.contextmanager
def inside(transform):
    """Run the block inside a transform of `torch.func`, as if a transformed function called it."""
    with contextlib.ExitStack() as stack:
        if transform is torch.func.vmap:
            stack.enter_context(vmap_increment_nesting(2, "error"))
        else:
            stack.enter_context(grad_increment_nesting())
        yield


MODES = {
    "default dtype float64": lambda: setting(torch.get_default_dtype, torch.set_default_dtype, torch.float64),
    "default dtype bfloat16": lambda: setting(
        torch.get_default_dtype, torch.set_default_dtype, torch.bfloat16
    ),
    "default device meta": lambda: setting(lambda: None, torch.set_default_device, "meta"),
    "device context meta": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast float16": lambda: torch.autocast("cpu", torch.float16),
    "autocast off inside autocast": lambda: nested(
        torch.autocast("cpu", torch.bfloat16), torch.autocast("cpu", enabled=False)
    ),
    "inference mode": torch.inference_mode,
    "no_grad": torch.no_grad,
    "set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "deterministic algorithms": lambda: setting(
        torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, 2
    ),
    "matmul precision": lambda: setting(
        torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "medium"
    ),
    "oneDNN rounds products": lambda: precision("mkldnn", "matmul", "bf16"),
    "oneDNN rounds convolutions": lambda: precision("mkldnn", "conv", "bf16"),
    "oneDNN rounds everything": lambda: precision("mkldnn", "all", "bf16"),
    "every backend rounds": lambda: precision("generic", "all", "tf32"),
    "cached parametrizations": nn.utils.parametrize.cached,
    "oneDNN off": lambda: setting(torch._C._get_mkldnn_enabled, torch._C._set_mkldnn_enabled, False),
    "denormals flushed": lambda: setting(flushes_denormals, torch.set_flush_denormal, True),
    "threads": lambda: setting(torch.get_num_threads, torch.set_num_threads, 2),
    "anomaly detection": lambda: torch.autograd.set_detect_anomaly(True),
    "function mode": HalvedFunctions,
    "dispatch mode": HalvedOperations,
    "fake tensors": FakeTensorMode,
    "rounded saved tensors": lambda: torch.autograd.graph.saved_tensors_hooks(rounded, rounded),
    "torch.func.vmap": lambda: inside(torch.func.vmap),
    "torch.func.grad": lambda: inside(torch.func.grad),
    "global seed": lambda: contextlib.nullcontext(torch.manual_seed(17)),
}


@contextlib.contextmanager
def nested(*contexts):
    with contextlib.ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


def ambient():
    """Return the current modes."""
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_autocast_enabled("cpu"),
        torch.is_inference_mode_enabled(),
        torch.is_grad_enabled(),
        torch.get_deterministic_debug_mode(),
        precisions(),
        nn.utils.parametrize._cache_enabled,
        torch._C._get_mkldnn_enabled(),
        torch.get_num_threads(),
        torch.is_anomaly_enabled(),
        torch.autocast_increment_nesting() - 1 + 0 * torch.autocast_decrement_nesting(),
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
        torch._C._functorch.maybe_current_level(),
        _saved_tensors_hooks(),
    )


def networks():
    draw = torch.Generator().manual_seed(3)
    generator = nn.Sequential(
        nn.Linear(3, 32),
        nn.Unflatten(1, (8, 2, 2)),
        nn.ConvTranspose2d(8, 1, 4, 4),
        nn.BatchNorm2d(1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        Noisy(),
        nn.Conv2d(1, 4, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.utils.parametrizations.weight_norm(nn.Linear(64, 1)),
    )
    with torch.no_grad():
        for network in (generator, discriminator):
            for parameter in network.parameters():
                parameter.uniform_(-0.3, 0.3, generator=draw)
    return {"generator": generator, "discriminator": discriminator, "latent_dim": 3}


class Noisy(nn.Module):
    """Creates tensors with torch's defaults, like layers of users."""

    def forward(self, x):
        return x + 0.1 * torch.randn(x.shape[1:]) + torch.ones(1) * 1e-3 + torch.tensor(0.5) * 1e-3


KINDS = {
    "built in": lambda: {"data": "ring8", **SMALL},
    "built in, ema, penalty": lambda: {
        "data": "ring8",
        "ema_decay": 0.9,
        "penalty": "gradient_penalty",
        "optimizer_d": "rmsprop",
        **SMALL,
    },
    "bfloat16": lambda: {"data": "ring8", "precision": "bfloat16", **SMALL},
    "own networks": lambda: {"data": "digits", "batch_size": 8, **networks()},
}


def journey(kind, mode, folder):
    """Run every computation inside `mode`, and return all results."""
    made = KINDS[kind]()
    own = [{name: n for name, n in KINDS[kind]().items() if isinstance(n, nn.Module)} for _ in range(2)]
    with mode():
        before = ambient()
        trainer = GANTrainer(**made, run=folder / "run")
        trainer.step(3)
        trainer.change(lr_d=2e-3)
        trainer.step_d(2)
        trainer.step(2)
        found = [trainer.state_hash(), trainer.sample(5, seed=1), trainer.real(5, seed=1)]
        features = {"features": "pixels"} if kind == "own networks" else {}
        found += [trainer.evaluate(64, **features), trainer.floors(64, **features)]
        trainer.timeline.goto(2)
        found.append(trainer.state_hash())
        trainer.step(3)
        found.append(trainer.state_hash())
        trainer.save(folder / "run.gan")
        trainer.load_state_dict(trainer.state_dict())
        trainer.step()
        found.append(trainer.state_hash())
        trainer.timeline.switch("main")
        trainer.timeline.undo()
        found.append(trainer.state_hash())
        trainer.close()
        again = GANTrainer.load(folder / "run.gan", **own[0])
        again.step()
        found += [again.state_hash(), gw.replay(folder / "run", **own[1]).equal]
        trainer.reset(seed=5)
        trainer.step(2)
        found.append(trainer.state_hash())
        assert ambient() == before
    return found


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    @functools.cache
    def found(kind):
        return journey(kind, contextlib.nullcontext, tmp_path_factory.mktemp("untouched"))

    return found


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return one == other


if not hasattr(torch._C._autograd, "_top_saved_tensors_default_hooks"):
    del MODES["rounded saved tensors"]  # old versions of torch cannot report it
if not hasattr(torch._C, "_get_fp32_precision_getter"):
    MODES = {name: mode for name, mode in MODES.items() if " round" not in name}

ROUNDING = [mode for mode in MODES if "dtype" in mode or "autocast" in mode]
"""Modes that may meet the averages, the penalties and the precision of a run on ways of their own."""


@pytest.mark.parametrize(
    ("kind", "mode"),
    [(kind, mode) for kind in ("built in", "own networks") for mode in MODES]
    + [(kind, mode) for kind in ("built in, ema, penalty", "bfloat16") for mode in ROUNDING],
)
def test_no_mode_changes_a_run(kind, mode, tmp_path, untouched):
    found = journey(kind, MODES[mode], tmp_path)
    assert list(map(same, found, untouched(kind))) == [True] * len(found)


@pytest.mark.parametrize("mode", MODES)
def test_a_callback_may_leave_any_mode_on(mode):
    plain = GANTrainer("ring8", **SMALL)
    plain.step(6)
    trainer = GANTrainer("ring8", **SMALL)
    with contextlib.ExitStack() as left_on:
        trainer.on_step(lambda record: record["iteration"] == 2 and left_on.enter_context(MODES[mode]()))
        trainer.step(6)
    assert trainer.state_hash() == plain.state_hash()


@pytest.mark.parametrize("mode", MODES)
def test_a_callback_sees_the_modes_of_the_caller(mode):
    seen = []
    trainer = GANTrainer("ring8", **SMALL)
    trainer.on_step(lambda record: seen.append(ambient()))
    with MODES[mode]():
        trainer.step(2)
        assert seen == [ambient()] * 2


@pytest.mark.parametrize("mode", MODES)
def test_modes_are_restored_after_a_failure(mode):
    with MODES[mode]():
        before = ambient()
        with pytest.raises(ZeroDivisionError), pinned(1):
            1 / 0  # noqa: B018
        assert ambient() == before


def test_modes_that_an_exception_left_changed_are_restored():
    def broken_off():
        with pinned():
            torch.set_grad_enabled(False)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert torch.is_grad_enabled()


@pytest.mark.skipif(not hasattr(torch._C, "_get_fp32_precision_getter"), reason="since torch 2.9")
def test_an_operation_without_its_own_precision_still_has_none_afterwards():
    with precision("generic", "all", "tf32"), pinned():
        pass
    assert precisions() == ["none"] * 5
