"""Groups of runs that workers of a Dask cluster step.

A group of lanes is divided into parts, each stepped by an actor on one worker. Every call of an actor returns
the changes, so this process has all states after each call. If a worker is lost, its lanes continue from
these states on another worker. The lost steps are computed again, with the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ganwidgets.errors import ClusterError
from ganwidgets.messages import Message
from ganwidgets.runs.state.state_tree import data_name, is_preset
from ganwidgets.stepping.lanes.engine import independent
from ganwidgets.stepping.runtime.ambient import pinned
from ganwidgets.sweeps.cluster.actor import LaneActor
from ganwidgets.sweeps.lanes.changes import Packed, apply_changes, packed
from ganwidgets.sweeps.lanes.group import prepared
from ganwidgets.sweeps.lanes.grouping import why_alone
from ganwidgets.sweeps.lanes.lane import Lane, OwnParts
from ganwidgets.sweeps.storage import sweep_content

__all__ = ["Cluster", "RemoteGroup"]

TRIES = 5
"""Maximum number of workers tried for a part; then the error of the last one is raised."""

GLANCE = 0.5
"""Seconds between two checks that a worker still exists."""

PATIENCE = 60
"""Maximum seconds to wait for a worker if the cluster has none."""


class LostWorkerError(RuntimeError):
    """A worker was lost before it answered."""


class Cluster:
    """The workers that step a sweep.

    Parameters
    ----------
    asked : distributed.Client, distributed.deploy.Cluster or True
        True starts a local cluster: processes of one thread each, one for each processor.
    own : OwnParts
        The user's own parts, which Dask transfers to the workers.
    device : torch.device
        Device on each worker.

    Raises
    ------
    ImportError
        If `asked` is True and dask.distributed is not installed.
    TypeError
        If `asked` is none of these.
    """

    def __init__(self, asked: Any, own: OwnParts, device: torch.device) -> None:
        self._own, self._device = own, device
        self._ours: list[Any] = []
        if asked is True:
            try:
                from distributed import LocalCluster
            except ImportError as error:
                raise ImportError(
                    Message(
                        "cluster= needs dask.distributed; install it with pip install ganwidgets[cluster]"
                    )
                ) from error
            asked = LocalCluster(threads_per_worker=1, processes=True, dashboard_address=None)
            self._ours.append(asked)
        if callable(getattr(asked, "get_client", None)) and not callable(getattr(asked, "submit", None)):
            asked = asked.get_client()
            self._ours.insert(0, asked)
        if not (callable(getattr(asked, "submit", None)) and callable(getattr(asked, "nthreads", None))):
            raise TypeError(
                Message(
                    "cluster must be True or a Client of dask.distributed, not a {type}",
                    type=type(asked).__name__,
                )
            )
        if asked.asynchronous:
            raise TypeError(
                Message("cluster cannot be an asynchronous Client; pass Client(..., asynchronous=False)")
            )
        self._client = asked

    def groups(self, lanes: Sequence[Lane]) -> list[RemoteGroup]:
        """Divide lanes with an equal group key into at most one part for each worker.

        See :func:`~ganwidgets.sweeps.lanes.grouping.group_key`. Lanes whose bits depend on the number
        computed together, or on their places, stay in one part.
        """
        session = lanes[0].session
        with pinned(session.run.threads, session.state.device):
            alone = why_alone(session)
            own_bits = session.run.threads == 1 and independent(prepared(session))
        divisible = alone or (own_bits and session.in_force().stepper == "eager")
        parts = min(self.workers(), len(lanes)) if divisible else 1
        cuts = [len(lanes) * part // parts for part in range(parts + 1)]
        return [RemoteGroup(lanes[begin:end], alone, self) for begin, end in pairwise(cuts)]

    def workers(self) -> int:
        """Return the number of workers; if there is none, wait for one.

        Raises
        ------
        ClusterError
            If there is none after `PATIENCE` seconds, or the scheduler does not answer.
        """
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
            return len(self._client.nthreads())
        except TimeoutError as error:
            raise ClusterError(
                Message(
                    "the cluster {client} has no worker, and none came within {seconds} s; start workers (such as "
                    "cluster.scale(2)) and call step again, or call sweep.close() to continue in this process. "
                    "No step whose results arrived is lost",
                    client=repr(self._client),
                    seconds=PATIENCE,
                )
            ) from error
        except Exception as error:
            raise ClusterError(
                Message(
                    "the cluster {client} does not answer ({error}); call sweep.close() to continue in this process, or "
                    "sweep.save(path) and gw.Sweep.load(path, cluster=...) with another one. No step whose results arrived "
                    "is lost",
                    client=repr(self._client),
                    error=f"{type(error).__name__}: {error}",
                )
            ) from error

    def sent(self, lanes: Sequence[Lane]) -> Any:
        """Return Dask's future of an actor with copies of `lanes`; Dask chooses its worker.

        Raises
        ------
        ClusterError
            If there is no worker.
        """
        for lane in lanes:
            with pinned(lane.session.run.threads, lane.session.state.device):
                prepared(lane.session)
        self.workers()
        tensors, document = sweep_content(lanes, (), ())
        sources = {data_name(lane.session.run.source): lane.session.built["data"] for lane in lanes}
        elsewhere = {
            name: data
            for name, data in sources.items()
            if not is_preset(name) and f"data/{name}" not in tensors
        }
        return self._client.submit(
            LaneActor,
            packed(tensors, document),
            elsewhere,
            self._own,
            str(self._device),
            actor=True,
            pure=False,
        )

    def holders(self, future: Any) -> frozenset[str]:
        """Return the addresses of the workers with the result of `future`."""
        return frozenset(self._client.who_has([future])[future.key])

    def close(self) -> None:
        """Close the cluster and the client if this object started them."""
        ours, self._ours = self._ours, []
        for each in ours:
            each.close()


class RemoteGroup:
    """Lanes stepped by one worker; same interface as :class:`~ganwidgets.sweeps.lanes.group.LaneGroup`.

    Parameters
    ----------
    lanes : sequence of Lane
        Their states are those after the last completed call.
    why_alone : str
        Reason for computing them one after another; empty if they are computed together.
    cluster : Cluster
    """

    def __init__(self, lanes: Sequence[Lane], why_alone: str, cluster: Cluster) -> None:
        self.lanes, self.why_alone = list(lanes), why_alone
        self._cluster = cluster
        self._future = cluster.sent(self.lanes)
        self._actor: Any = None
        self._answer: Any = None
        self._results: Packed | None = None
        self._holders: frozenset[str] = frozenset()

    @property
    def pending(self) -> bool:
        """True if a setting of a run has a pending change."""
        return any(lane.session.log.pending for lane in self.lanes)

    def iteration(self, lane: Lane) -> int:
        """Return the full steps of a run."""
        return lane.session.state.iteration

    def begin(self, n: int, *, last: bool) -> None:
        """Start `n` full steps on the worker; returns at once, so that the workers of all groups compute together.

        Raises
        ------
        ClusterError
            If the cluster has no worker.
        """
        try:
            self._ask(n, last=last)
        except ClusterError:
            raise
        except Exception:  # noqa: BLE001 - the worker was lost since the last call; `wait` moves its lanes
            self._answer = None

    def wait(self, n: int, *, last: bool) -> None:
        """Wait for the worker's results of `n` full steps; :meth:`step` applies them.

        Raises
        ------
        ClusterError
            If the workers were lost.
        Exception
            Any exception that the steps raise.
        """
        found = self._found(n, last=last)
        if isinstance(found, Exception):
            raise found
        self._results = found

    def step(self, n: int, *, last: bool) -> bool:
        """Carry out `n` full steps in every run; return True if one of them ended.

        Parameters
        ----------
        last : bool
            Record all columns at the last step.

        Raises
        ------
        ClusterError
            If the workers were lost.
        Exception
            Any exception that the steps raise; every run of this group is then as before the call.
        """
        if self._results is None:
            self.wait(n, last=last)
        assert self._results is not None
        results, self._results = self._results, None
        apply_changes(results, self.lanes)
        return not all(lane.alive for lane in self.lanes)

    def _ask(self, n: int, *, last: bool) -> None:
        if self._actor is None:
            self._actor = self._bound()
            self._holders = self._cluster.holders(self._future)
        self._answer = self._actor.step(n, last, [self.iteration(lane) for lane in self.lanes])

    def _bound(self) -> Any:
        """Return the actor once it exists on a worker. Dask itself would wait forever if all workers were lost."""
        while True:
            try:
                return self._future.result(timeout=GLANCE)
            except TimeoutError:
                self._cluster.workers()

    def _found(self, n: int, *, last: bool) -> Packed | Exception:
        """Return the worker's answer; if the worker was lost, that of another worker."""
        for left in reversed(range(TRIES)):
            try:
                if self._answer is None:
                    self._ask(n, last=last)
                return self._awaited()
            except ClusterError:
                raise
            except Exception as error:  # steps return their own errors, so the worker was lost
                if not left:
                    raise ClusterError(
                        Message(
                            "{n} workers one after another were lost or failed ({error}); their logs name the cause, "
                            "such as too little memory. No step whose results arrived is lost; sweep.close() continues in "
                            "this process",
                            n=TRIES,
                            error=f"{type(error).__name__}: {error}",
                        )
                    ) from error
                self._actor = None
            finally:
                self._answer = None
            self._future = self._cluster.sent(self.lanes)
        raise AssertionError

    def _awaited(self) -> Packed | Exception:
        """Return the worker's answer.

        Raises
        ------
        LostWorkerError
            If the worker was lost. Dask itself waits forever for an actor whose worker was killed.
        """
        while True:
            try:
                found: Packed | Exception = self._answer.result(timeout=GLANCE)
            except TimeoutError:
                if self._cluster.holders(self._future) != self._holders:
                    raise LostWorkerError(Message("a worker of the cluster was lost")) from None
            else:
                return found

    def samples(self, n: int, generator: torch.Generator) -> list[Tensor]:
        """Return `n` samples of each run in display units, from equal latents."""
        seed = generator.initial_seed()
        return [lane.shown(n, torch.Generator().manual_seed(seed)) for lane in self.lanes]

    def write(self, lane: Lane) -> None:
        """Do nothing; each call has already applied its changes."""

    def write_all(self) -> None:
        """Do nothing; each call has already applied its changes."""
