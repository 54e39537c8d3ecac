"""The scene of a sweep: what the page must know of its runs besides the frames."""

from __future__ import annotations

from typing import Any

from traitlets import TraitError

from ganwidgets.errors import DataError
from ganwidgets.messages import Catalog, Message, N_
from ganwidgets.metrics import METRICS
from ganwidgets.settings import SETTINGS
from ganwidgets.settings.types import BoolSetting, ChoiceSetting, NumberSetting
from ganwidgets.sweeps.sweep import Sweep
from ganwidgets.widgets.sweep.frames import SweepFrames

__all__ = ["checked_metric", "headline", "is_crossed", "parsed", "refuse_mixed", "scene_of", "shown"]

OFFERED = tuple(
    name for name, setting in SETTINGS.items() if setting.effect != "fresh start" and name != "data"
)
"""Settings that users change in the page."""


def scene_of(sweep: Sweep, frames: SweepFrames, catalog: Catalog, *, crossed: bool) -> dict[str, Any]:
    """Return the scene: runs, axes, settings, and texts of the metric.

    Parameters
    ----------
    sweep : Sweep
    frames : SweepFrames
    catalog : Catalog
        The reader's language.
    crossed : bool
        True if the runs began as a grid of two settings.
    """
    varied = list(sweep.varied)
    about = METRICS[frames.modality.name]
    reals, data_of = frames.real() if frames.modality.on_plane else ([], [0] * len(sweep))
    first: dict[tuple[Any, ...], int] = {}
    runs = []
    for index, lane in enumerate(sweep._lanes):
        settings = lane.session.settings.as_dict()
        exact = tuple(settings[name] for name in varied)
        runs.append(
            {
                "configuration": first.setdefault(exact, index),
                "settings": {name: shown(settings[name]) for name in varied},
                "numbers": {
                    name: settings[name]
                    for name in varied
                    if isinstance(settings[name], int | float) and not isinstance(settings[name], bool)
                },
                "seed": settings["seed"],
                "index": index,
                "data": data_of[index],
            }
        )
    common = sweep._lanes[0].session.settings.as_dict()
    return {
        "runs": runs,
        "varied": [[name, catalog(SETTINGS[name].label)] for name in varied],
        "crossed": crossed,
        "log": [
            name
            for name in varied
            if isinstance(setting := SETTINGS[name], NumberSetting) and setting.scale == "logarithmic"
        ],
        "settings": [[name, catalog(SETTINGS[name].label)] for name in OFFERED],
        "choices": {name: choices for name in OFFERED if (choices := _choices(name, catalog))},
        "common": {name: shown(common[name]) for name in OFFERED if name not in varied},
        "metric": frames.metric,
        "metrics": [[name, catalog(about[name].label)] for name in frames.metrics() if name in about],
        "scale": frames.scale(),
        "view": frames.modality.view,
        "real": [points.tolist() for points in reals],
    }


def _choices(name: str, catalog: Catalog) -> list[list[str]]:
    """Return the values of a setting that a user chooses from, with their texts; empty for numbers."""
    setting = SETTINGS[name]
    if isinstance(setting, ChoiceSetting):
        return [[value, catalog(text)] for value, text in setting.choices.items()]
    if isinstance(setting, BoolSetting):
        return [["True", catalog(N_("yes"))], ["False", catalog(N_("no"))]]
    return []


def refuse_mixed(sweep: Sweep) -> None:
    """Raise `DataError` if the runs' samples have different forms, so that no page can compare them."""
    sources = [lane.session.run.source for lane in sweep._lanes]
    for number, source in enumerate(sources):
        if (source.kind, source.shape) != (sources[0].kind, sources[0].shape):
            raise DataError(
                Message(
                    "SweepWidget shows runs on data of one kind and shape: run 0 has {kind} of {shape}, run {i} has "
                    "{other} of {its}; make a sweep for each",
                    kind=sources[0].kind,
                    shape=sources[0].shape,
                    i=number,
                    other=source.kind,
                    its=source.shape,
                )
            )


def is_crossed(sweep: Sweep) -> bool:
    """Return True if the runs are a grid of two settings."""
    varied = sweep.varied
    tables = [lane.session.settings.as_dict() for lane in sweep._lanes]
    pairs = {tuple(table[name] for name in varied) for table in tables}
    sides = [len({pair[axis] for pair in pairs}) for axis in range(len(varied))]
    return len(varied) == 2 and len(pairs) == sides[0] * sides[1]


def checked_metric(name: Any, sweep: Sweep) -> str:
    """Return `name` if the data of the runs have such a metric; otherwise raise `TraitError`."""
    known = METRICS[sweep._lanes[0].session.run.source.modality.name]
    if name not in known:
        raise TraitError(
            Message("metric cannot be {value!r}; choose one of {known}", value=name, known=", ".join(known))
        )
    return str(name)


def headline(sweep: Sweep) -> str:
    """Return the metric that colours cells if the user chooses none.

    Raises
    ------
    DataError
        If the kind of data declares none.
    """
    modality = sweep._lanes[0].session.run.source.modality
    declared = [name for name in METRICS[modality.name] if name != "overfitting"]
    if not declared:
        raise DataError(
            Message(
                "data of kind {kind} declare no metric to colour runs by; pass metrics= and evaluate= to gw.Modality, or "
                "call gw.register_metric(name, function, kind={kind!r})",
                kind=modality.name,
            )
        )
    return modality.headline or declared[0]


def shown(value: Any) -> str:
    """Return the text of a setting's value."""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def parsed(name: str, text: str) -> Any:
    """Return the value of a setting that a user typed; the setting refuses other texts."""
    setting = SETTINGS[name]
    if isinstance(setting, BoolSetting):
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if isinstance(setting, ChoiceSetting):
        return text.strip()
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(number) if isinstance(setting.initial, int) and number == int(number) else number
