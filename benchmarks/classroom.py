"""What a class costs: steps a second with 40 WebSocket clients at five frames a second, against none.

The clients are real ones, in a process of their own; as the page does, each acknowledges the frames that ask for it. ``python benchmarks/classroom.py``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Mapping
from typing import Any

import torch
import tornado.websocket

import ganwidgets as gw


async def _watch(url: str, frames: Any, slow: bool = False) -> None:
    address, _, token = url.partition("#")
    socket = await tornado.websocket.websocket_connect(address.replace("http", "ws") + "ws")
    await socket.write_message(json.dumps({"token": token, "name": "student"}))
    while (message := await socket.read_message()) is not None:
        if isinstance(message, bytes) and not slow:
            with frames.get_lock():
                frames.value += 1
            if json.loads(message[4 : 4 + int.from_bytes(message[:4], "little")])["ask"]:
                await socket.write_message('{"ack": true}')


async def _class(url: str, count: int, frames: Any, slow: int) -> None:
    await asyncio.gather(*(_watch(url, frames, number < slow) for number in range(slow + count)))


def _clients(url: str, count: int, frames: Any, slow: int = 0) -> None:
    asyncio.run(_class(url, count, frames, slow))


def _pace(widget: gw.GANTrainerWidget, seconds: float) -> tuple[float, float]:
    """Return steps a second, and seconds of processor time of this process for each step."""
    first, began, busy = widget.trainer.iteration, time.perf_counter(), time.process_time()
    time.sleep(seconds)
    steps = widget.trainer.iteration - first
    return steps / (time.perf_counter() - began), (time.process_time() - busy) / max(1, steps)


def _open_page(widget: gw.GANTrainerWidget) -> None:
    """Watch as a page of the notebook does that acknowledges at once; nothing is sent to a browser."""
    answers = widget._answers

    def acknowledge(message: Mapping[str, Any], _: Any) -> None:
        if "seq" in message:
            answers.acknowledge("page", message["seq"])

    widget._dashboard.heartbeat.tapped(acknowledge)
    answers.hello("page")


def main() -> None:
    """Print the median of the pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=40)
    parser.add_argument("--slow", type=int, default=0, help="further clients, which acknowledge nothing")
    parser.add_argument("--page", action="store_true", help="a page of the notebook watches all the time")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    widget = gw.GANTrainerWidget("ring8", **gw.recommended("ring8"))
    widget.play()
    if options.page:
        _open_page(widget)
    ratios, costs, rates = [], [], []
    for _ in range(options.pairs):
        alone, busy_alone = _pace(widget, options.seconds)
        classroom = gw.Classroom(widget)
        frames = multiprocessing.get_context("spawn").Value("i", 0)
        process = multiprocessing.get_context("spawn").Process(
            target=_clients,
            args=(classroom.url("watch"), options.clients, frames, options.slow),
            daemon=True,
        )
        process.start()
        while frames.value < options.clients:
            time.sleep(0.05)
        before = frames.value
        watched, busy = _pace(widget, options.seconds)
        rates.append((frames.value - before) / options.seconds / options.clients)
        ratios.append(watched / alone)
        costs.append(busy / busy_alone)
        process.terminate()
        process.join()
        classroom.close()
    widget.close()
    print(f"{options.clients} clients, {statistics.median(rates):.1f} frames a second each")
    print(
        f"steps a second, with / without: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    )
    print(f"processor time a step: {statistics.median(costs):.3f} ({min(costs):.3f} to {max(costs):.3f})")


if __name__ == "__main__":
    main()
