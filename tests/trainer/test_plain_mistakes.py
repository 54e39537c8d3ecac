"""User mistakes that once raised errors of Python or torch: the error names the cause and the remedy."""

import copy
import pickle

import numpy as np
import pytest

import ganwidgets as gw

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20}


@pytest.fixture
def trainer():
    made = gw.GANTrainer("ring8", **SMALL)
    made.step(2)
    return made


def test_pickling_raises_and_names_save(trainer):
    with pytest.raises(TypeError, match=r"trainer\.save\(path\).*gw\.GANTrainer\.load"):
        pickle.dumps(trainer)
    twin = copy.deepcopy(trainer)
    assert twin.step(2) == trainer.step(2)
    assert twin.state_hash() == trainer.state_hash()


@pytest.mark.parametrize("act", ["sample", "evaluate"])
def test_a_network_of_another_dtype_is_named_with_the_call_that_converts_it_back(trainer, act):
    trainer.generator.double()
    with pytest.raises(
        gw.DataError, match=r"generator.*0\.weight is torch\.float64.*trainer\.generator\.float\(\)"
    ):
        getattr(trainer, act)(20)
    trainer.generator.float()
    getattr(trainer, act)(20)


def test_other_exceptions_of_a_network_pass_unchanged(trainer):
    def broken(*_inputs):
        raise RuntimeError("mine")

    trainer.generator.register_forward_pre_hook(broken)
    with pytest.raises(RuntimeError, match="mine"):
        trainer.sample(5)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_a_state_without_an_optimizer_is_refused(trainer, network):
    state = trainer.state_dict()
    del state["optimizers"][network]
    before = trainer.state_hash()
    with pytest.raises(gw.CheckpointError, match=f"no optimizer of {network}"):
        trainer.load_state_dict(state)
    assert trainer.state_hash() == before
    trainer.load_state_dict(
        gw.GANTrainer("ring8", **SMALL).state_dict()
    )  # The optimizer has no state before the first update.


def test_one_column_is_data_of_one_dimension():
    column = np.linspace(-1, 1, 60, dtype=np.float32).reshape(-1, 1)
    assert "points of 1 number, unscaled" in repr(gw.GANTrainer(column, **SMALL).source)
    scaled = gw.GANTrainer(column, standardize=True, **SMALL).source
    assert "points of 1 number, standardized" in repr(scaled)


def test_the_repr_contains_the_name_of_the_game():
    pairs = np.zeros((8, 1, 16, 16), np.float32), np.zeros((8, 1, 16, 16), np.float32)
    assert repr(gw.GANTrainer(pairs, game="pix2pix").game) == "<Game 'pix2pix' of discriminator, generator>"
