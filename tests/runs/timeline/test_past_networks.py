"""Networks of the past, loaded from snapshots."""

import torch

import ganwidgets as gw
from ganwidgets.runs.timeline.past_networks import NetworkReplicas


def test_a_snapshot_of_the_classic_game_is_loaded():
    trainer = gw.GANTrainer("ring8", g_hidden=(8,), d_hidden=(8,), batch_size=16)
    trainer.step(100)
    weights = trainer.generator[0].weight.detach().clone()
    trainer.step(100)
    past = NetworkReplicas(trainer._session)
    snapshot = next(each for each in trainer._session.snapshots if each.place.iteration == 100)
    assert past.play(snapshot)
    assert torch.equal(past.generator[0].weight, weights)
    assert past.memory.keys() == trainer._session.state.memory.keys()
