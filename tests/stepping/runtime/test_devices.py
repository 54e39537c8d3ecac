from __future__ import annotations

import pytest
import torch

import ganwidgets as gw
from ganwidgets.stepping.runtime.devices import chosen_device

CUDA = torch.cuda.is_available()


def test_auto_is_the_gpu_if_present():
    assert chosen_device("auto") == torch.device("cuda" if CUDA else "cpu")
    assert gw.GANTrainer("ring8", device="auto").step(1)["iteration"] == 1


@pytest.mark.parametrize(
    "wrong",
    ["gpu", "GPU", "cud", "", "cuda:99", "cuda:x", "meta", "cpu:-1", 0, None, 1.5, object(), "\ud800"],
)
def test_an_invalid_device_is_named_with_the_remedy(wrong):
    with pytest.raises(ValueError, match="device cannot be") as refusal:
        gw.GANTrainer("ring8", device=wrong)
    message = str(refusal.value)
    assert repr(wrong)[:20] in message
    assert '"cpu"' in message
    assert '"auto"' in message


def test_loading_and_opening_refuse_an_invalid_device(tmp_path):
    trainer = gw.GANTrainer("ring8", run=tmp_path / "run")
    trainer.save(tmp_path / "run.gan")
    trainer.close()
    with pytest.raises(ValueError, match="device cannot be 'gpu'"):
        gw.GANTrainer.load(tmp_path / "run.gan", device="gpu")
    with pytest.raises(ValueError, match="device cannot be 'gpu'"):
        gw.open_run(tmp_path / "run", device="gpu")


@pytest.mark.skipif(CUDA, reason="there is a GPU")
@pytest.mark.parametrize("absent", ["cuda", torch.device("cuda", 0), "mps", "xpu"])
def test_an_absent_device_is_refused(absent):
    with pytest.raises(ValueError, match="device cannot be"):
        chosen_device(absent)
