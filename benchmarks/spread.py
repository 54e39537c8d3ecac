"""Independent trainings, one after the other or several at once in processes of their own."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

import torch

__all__ = ["add_processes", "spread"]

Result = TypeVar("Result")


def add_processes(parser: argparse.ArgumentParser) -> None:
    """Add the option for the number of processes."""
    parser.add_argument(
        "--processes", type=int, default=1, help="trainings at once, each on one thread (default: 1)"
    )


def spread(train: Callable[..., Result], runs: Iterable[tuple[Any, ...]], processes: int) -> Iterator[Result]:
    """Yield ``train(*run)`` for each of `runs`, in their order, each as soon as it is there.

    Parameters
    ----------
    train : callable
        Of a module's top level; it, what it is given and what it returns travel between processes.
    processes : int
        How many there may be; with 1 everything happens in this one.
    """
    torch.set_num_threads(1)
    if processes == 1:
        yield from (train(*run) for run in runs)
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        for future in [pool.submit(train, *run) for run in runs]:
            yield future.result()
