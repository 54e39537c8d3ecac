"""Data of a game: from user data to the streams that updates read."""

from __future__ import annotations

from typing import Any

from ganwidgets.data import Source, load_data
from ganwidgets.data.two_sources import TwoSources, load_two
from ganwidgets.games.game import Game, StreamShape
from ganwidgets.seeds import derive
from ganwidgets.stepping.streams.class_labels import classes_of, labels_of
from ganwidgets.stepping.streams.feed import SampleStream
from ganwidgets.stepping.streams.sample_streams import OrderedStream

__all__ = ["load_for", "shapes_of", "streams_of"]


def load_for(game: Game, data: Any) -> Source:
    """Return the source for the data of `game`.

    Raises
    ------
    DataError
        If `game` cannot be trained on it.
    """
    if len(game.streams) == 2:
        return load_two(data, paired=False)
    if game.streams[0].paired:
        return load_two(data, paired=True)
    return load_data(data)


def shapes_of(game: Game, source: Source) -> dict[str, StreamShape]:
    """Return the sizes of `game`'s data for its networks, by stream.

    Raises
    ------
    DataError
        If the game needs labels and the data has none.
    """
    if len(game.streams) == 2:
        assert isinstance(source, TwoSources)
        return {
            stream.name: StreamShape(part.shape, None, classes_of(part) if stream.labelled else 0)
            for stream, part in zip(game.streams, source.parts, strict=True)
        }
    (stream,) = game.streams
    targets = source.second.shape if isinstance(source, TwoSources) else None
    return {stream.name: StreamShape(source.shape, targets, classes_of(source) if stream.labelled else 0)}


def streams_of(game: Game, source: Source, seed: int) -> dict[str, SampleStream]:
    """Return the streams of `game`, in the order for the run's `seed`."""
    if len(game.streams) == 2:
        assert isinstance(source, TwoSources)
        one, other = game.streams
        # Separate orders: equal permutations of two domains would pair their images.
        return {
            one.name: _stream(source.first, seed, labelled=one.labelled),
            other.name: _stream(source.second, derive(seed, other.name), labelled=other.labelled),
        }
    (stream,) = game.streams
    if isinstance(source, TwoSources):
        return {stream.name: OrderedStream(source.first.order(seed), None, source.second.order(seed))}
    return {stream.name: _stream(source, seed, labelled=stream.labelled)}


def _stream(source: Source, seed: int, *, labelled: bool) -> OrderedStream:
    return OrderedStream(source.order(seed), labels_of(source, seed) if labelled else None)
