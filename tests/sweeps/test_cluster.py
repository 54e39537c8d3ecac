"""Runs on the workers of a Dask cluster."""

import os
import signal
import sys
import threading

import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster
from torch import nn

import ganwidgets as gw
from ganwidgets.runs.files import stored_data
from ganwidgets.sweeps.cluster import workers
from ganwidgets.sweeps.cluster.workers import RemoteGroup

SMALL = {"g_hidden": (8,), "d_hidden": (8,), "batch_size": 20}


@pytest.fixture(scope="module")
def client():
    """Two workers, threads of this process."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as found,
    ):
        yield found


def assert_equal(one, other):
    assert [run.status for run in one.runs] == [run.status for run in other.runs]
    assert [run.state_hash() for run in one.runs] == [run.state_hash() for run in other.runs]
    for mine, theirs in zip(one.runs, other.runs, strict=True):
        assert mine.iteration == theirs.iteration
        assert mine.error == theirs.error
        assert list(mine.history) == list(theirs.history)
        for name in mine.history:
            np.testing.assert_array_equal(mine.history[name], theirs.history[name])


def test_workers_give_the_bits_of_this_process(client):
    asked = {"lr_d": [1e-3, 2e-3, 10.0], "seeds": 2, "optimizer_d": "sgd", "loss": "least_squares", **SMALL}
    there, here = gw.Sweep("ring8", cluster=client, **asked), gw.Sweep("ring8", **asked)
    for sweep in (there, here):
        sweep.step(12)
        sweep.change(0, lr_g=3e-3)
        sweep.kill(1)
        sweep.respawn(2, source=0, lr_d=4e-3)
        sweep.respawn(3)
        sweep.step(50)
    assert len(there.groups) == 2 * len(here.groups)
    assert {run.status for run in there.runs} == {"running", "stopped", "diverged"}
    assert_equal(there, here)
    assert [act.action for act in there.acts] == [act.action for act in here.acts]
    trainers = [sweep.take(2) for sweep in (there, here)]
    for trainer in trainers:
        trainer.step(3)
    assert trainers[0].state_hash() == trainers[1].state_hash()
    assert list(trainers[0].interventions) == list(trainers[1].interventions)
    there.close()  # the client goes on; the runs do so in this process
    there.step(2)
    here.step(2)
    assert_equal(there, here)


class Drawing(nn.Module):
    """A discriminator whose runs are computed one after another."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x):
        return self.layer(nn.functional.dropout(x, 0.2, self.training))


def test_networks_and_data_of_ones_own_come_to_the_workers(client, monkeypatch):
    monkeypatch.setattr(stored_data, "LARGEST_STORED_DATA", 100)  # so that no file holds these
    data = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)).numpy()
    asked = {"lr_g": [1e-3, 2e-3], "discriminator": Drawing(), "batch_size": 10}
    there, here = gw.Sweep(data, cluster=client, **asked), gw.Sweep(data, **asked)
    for sweep in (there, here):
        sweep.step(4)
    assert there.groups[0][1] == here.groups[0][1] != ""
    assert_equal(there, here)


def test_an_actor_that_is_elsewhere_is_not_believed(client):
    asked = {"lr_d": [1e-3, 2e-3], **SMALL}
    there, here = gw.Sweep("ring8", cluster=client, **asked), gw.Sweep("ring8", **asked)
    there.step(3)
    group = there._groups[0]
    group._actor.step(5, False, [3]).result()
    there.step(4)
    here.step(7)
    assert_equal(there, here)


class Failing(nn.Linear):
    """A discriminator that fails once it has been called a few times."""

    left = 10**9

    def forward(self, x):
        Failing.left -= 1
        if Failing.left < 0:
            raise ValueError("no more")
        return super().forward(x)


def test_an_error_of_the_steps_comes_to_the_caller_and_is_not_tried_again(client, monkeypatch):
    sweep = gw.Sweep("ring8", lr_d=[1e-3, 2e-3], cluster=client, discriminator=Failing(2, 1), **SMALL)
    sweep.step(2)
    hashes = [run.state_hash() for run in sweep.runs]
    monkeypatch.setattr(Failing, "left", 3)
    with pytest.raises(ValueError, match="no more"):
        sweep.step(5)
    assert [run.state_hash() for run in sweep.runs] == hashes
    monkeypatch.setattr(Failing, "left", 10**9)
    sweep.step(3)
    assert sweep.iteration == 5


def test_what_is_no_cluster_is_refused(monkeypatch):
    with pytest.raises(TypeError, match=r"Client of dask\.distributed, not a str"):
        gw.Sweep("ring8", cluster="tcp://127.0.0.1:8786", **SMALL)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install ganwidgets\[cluster\]"):
        gw.Sweep("ring8", cluster=True, **SMALL)


@pytest.fixture(scope="module")
def processes():
    """Two workers, each a process that is started again after it was killed."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


def kill(client, addresses):
    """Kill workers, and return when the client knows that they are gone."""
    gone = {address: threading.Event() for address in addresses}

    def seen(event):
        _, message = event
        if message.get("action") == "remove-worker" and message.get("worker") in gone:
            gone[message["worker"]].set()

    client.subscribe_topic("all", seen)
    numbers = client.run(os.getpid, workers=list(addresses))
    for number in numbers.values():
        os.kill(number, signal.SIGKILL)
    for each in gone.values():
        assert each.wait(60)
    client.unsubscribe_topic("all")


def test_a_killed_workers_runs_go_on_elsewhere_with_the_same_bits(processes, tmp_path, monkeypatch):
    asked = {"lr_d": [1e-3, 2e-3], **SMALL}
    begin, killed = RemoteGroup.begin, []

    def begin_and_kill(group, n, *, last):
        begin(group, n, last=last)
        if not killed:
            killed.extend(group._holders)
            os.kill(numbers[killed[0]], signal.SIGKILL)

    there, here = gw.Sweep("ring8", cluster=processes, **asked), gw.Sweep("ring8", **asked)
    there.step(20)
    numbers = processes.run(os.getpid)
    monkeypatch.setattr(RemoteGroup, "begin", begin_and_kill)
    there.step(100)
    here.step(120)
    assert killed
    assert killed[0] not in processes.nthreads()
    assert_equal(there, here)
    there.save(tmp_path / "sweep")
    again = gw.Sweep.load(tmp_path / "sweep")
    again.step(5)
    here.step(5)
    assert_equal(again, here)


@pytest.mark.parametrize("lost", [1, 2])
def test_workers_killed_between_two_calls_are_replaced(lost, processes):
    asked = {"lr_d": [1e-3, 2e-3], **SMALL}
    there, here = gw.Sweep("ring8", cluster=processes, **asked), gw.Sweep("ring8", **asked)
    there.step(20)
    held = [address for group in there._groups for address in group._holders]
    kill(processes, set(held[:lost]))
    assert not set(held[:lost]) & set(processes.nthreads())
    there.step(10)
    here.step(30)
    assert_equal(there, here)


def test_a_cluster_without_workers_is_named_and_the_runs_go_on_in_this_process(monkeypatch):
    asked = {"lr_d": [1e-3, 2e-3], **SMALL}
    monkeypatch.setattr(workers, "PATIENCE", 0.2)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as local,
        Client(local) as client,
    ):
        there, here = gw.Sweep("ring8", cluster=client, **asked), gw.Sweep("ring8", **asked)
        there.step(20)
        local.scale(0)
        local.sync(local._correct_state)
        with pytest.raises(gw.ClusterError, match=r"has no worker, .*cluster\.scale\(2\).*sweep\.close\(\)"):
            there.step(10)
        here.step(20)
        assert_equal(there, here)
        monkeypatch.setattr(workers, "PATIENCE", 60)
        local.scale(2)
        there.step(10)
        here.step(10)
        assert_equal(there, here)
        client.close()
        with pytest.raises(gw.ClusterError, match="does not answer"):
            there.step(10)
    there.close()
    there.step(10)
    here.step(10)
    assert_equal(there, here)


def test_lanes_whose_bits_depend_on_their_places_stay_on_one_worker(client):
    asked = {"lr_d": [1e-3, 2e-3], **SMALL, "latent_dim": 5, "batch_size": 70}
    sweep, alone = gw.Sweep("ring8", cluster=client, **asked), gw.Sweep("ring8", **asked)
    for each in (sweep, alone):
        each.step(9)
    assert [runs for runs, _ in sweep.groups] == [(0, 1)]
    assert [run.state_hash() for run in sweep.runs] == [run.state_hash() for run in alone.runs]
