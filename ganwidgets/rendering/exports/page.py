"""A whole run as one self-contained HTML page.

Its only script is the slider through the run's moments; without scripts the page shows all moments.

User input, such as names and reasons, is escaped.
"""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from ganwidgets.messages import Catalog, N_
from ganwidgets.modality.metric import Metric
from ganwidgets.rendering.drawing.phrases import described, spell_count, value_in_words
from ganwidgets.rendering.pictures.image_grid import as_png, columns_of, image_grid
from ganwidgets.rendering.pictures.snapshot_view import Still
from ganwidgets.rendering.pictures.svg import Line, branches, chart, scatter
from ganwidgets.rendering.plane.heatmap import heat_image
from ganwidgets.rendering.plane.projection import projection_of
from ganwidgets.runs.timeline.branch_view import TimelineView
from ganwidgets.settings import Setting

__all__ = ["Account", "Views", "page", "views_of"]

ACCURACIES = {"accuracy_real": N_("D's accuracy on real"), "accuracy_fake": N_("D's accuracy on generated")}
"""Labels of values that are not metrics but appear in the same table."""


@dataclass(frozen=True)
class Views:
    """Pictures of a run, as HTML.

    Attributes
    ----------
    samples : str
        Samples of the present.
    film : sequence of str
        A figure for each moment, the present last; omitted if there are fewer than two.
    curves : str
    """

    samples: str
    film: Sequence[str]
    curves: str


@dataclass(frozen=True)
class Account:
    """Content of a page.

    Attributes
    ----------
    data : str
        Name of the data.
    settings : mapping of str to anything
        Settings that led to the present, by name.
    past : TimelineView
    views : Views
        Pictures of the run.
    iteration : int
        Of the present.
    figures, floors : mapping of str to float
        Metrics of the samples, and their floors.
    features : str
        Name of the features of image metrics; empty for points.
    exact : bool
        True if the run repeats bit for bit.
    environment : mapping of str to str
        Versions and device of the computation.
    script : str
        Python source that reproduces it; empty if there is none.
    metrics : mapping of str to Metric
        Label and format of each figure.
    definitions : mapping of str to Setting
        Of the settings.
    title : str
        In the reader's language.
    taken_as : str
        How a user's own data was read; empty for presets.
    """

    data: str
    settings: Mapping[str, Any]
    past: TimelineView
    views: Views
    iteration: int
    figures: Mapping[str, float]
    floors: Mapping[str, float]
    features: str
    exact: bool
    environment: Mapping[str, str]
    script: str
    metrics: Mapping[str, Metric]
    definitions: Mapping[str, Setting[Any]]
    title: str
    taken_as: str = ""


def page(account: Account, catalog: Catalog) -> bytes:
    """Return the page, UTF-8."""
    t, views = catalog, account.views
    title = account.title
    where = [
        t(N_("iteration {count}"), count=spell_count(account.iteration)),
        t(N_("repeats bit for bit")) if account.exact else t(N_("close, not exact")),
    ]
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f'<p class="lead">{html.escape(" · ".join(where))}</p>',
        views.samples,
        _section(t(N_("Through training")), _film(views.film, t)),
        _section(t(N_("Curves")), views.curves),
        _section(t(N_("Quality")), _figures(account, t)),
        _section(t(N_("Timeline")), branches(account.past, t(N_("The branches of the run")))),
        _section(t(N_("What was changed")), _interventions(account, t)),
        _section(t(N_("Settings")), _settings(account, t)),
        _section(t(N_("Computed with")), _table(account.environment.items())),
    ]
    if account.script:
        parts.append(
            _section(
                t(N_("The run as a script")),
                f"<details><summary>{html.escape(t(N_('Python that reproduces it')))}</summary>"
                f"<pre>{html.escape(account.script)}</pre></details>",
            )
        )
    style = (files(__package__) / "page.css").read_text("utf-8")
    text = (
        f'<!DOCTYPE html>\n<html lang="{html.escape(catalog.language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body>\n</html>\n"
    )
    return text.encode("utf-8")


def _section(title: str, content: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>{content}</section>" if content else ""


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _picture(grid: np.ndarray, label: str) -> str:
    return f'<img src="{_address(as_png(grid))}" alt="{html.escape(label)}">'


def _samples(now: Still, t: Catalog) -> str:
    generated, real = t(N_("generated")), t(N_("real"))
    if now.modality.on_plane:
        caption = "".join(
            f'<span class="chip"><svg viewBox="0 0 24 8">{mark}</svg>{html.escape(label)}</span>'
            for mark, label in (
                ('<rect class="real" x="8" width="8" height="8"/>', real),
                ('<circle class="generated" cx="12" cy="4" r="4"/>', generated),
            )
        )
        return f"<figure><figcaption>{caption}</figcaption>{_plane(now, t)}</figure>"
    columns = columns_of(now)
    shown = [(generated, image_grid(now.generated, columns)), (real, image_grid(now.real, columns))]
    figures = "".join(
        f"<figure><figcaption><b>{html.escape(label)}</b></figcaption>{_picture(grid, label)}</figure>"
        for label, grid in shown
    )
    return f'<div class="pair">{figures}</div>'


def _plane(moment: Still, t: Catalog) -> str:
    projection = projection_of(moment.real)
    heat = "" if moment.verdict is None else _address(as_png(heat_image(moment.verdict)))
    return scatter(
        projection.points(moment.real),
        projection.points(moment.generated),
        moment.extent or projection.extent(moment.real),
        heat,
        t(N_("Real and generated points")),
    )


def views_of(moments: Sequence[Still], catalog: Catalog) -> Views:
    """Return the pictures of a run of the classic game; the last of `moments` is the present."""
    now = moments[-1]
    return Views(_samples(now, catalog), _figures_of(moments, catalog), _curves(now, catalog))


def _figures_of(moments: Sequence[Still], t: Catalog) -> list[str]:
    figures = []
    for moment in moments:
        caption = t(N_("iteration {count}"), count=spell_count(moment.iteration))
        if moment.modality.on_plane:
            picture = _plane(moment, t)
        else:
            picture = _picture(image_grid(moment.generated, columns_of(moment)), caption)
        figures.append(f"<figure>{picture}<figcaption>{html.escape(caption)}</figcaption></figure>")
    return figures


def _film(figures: Sequence[str], t: Catalog) -> str:
    if len(figures) < 2:
        return ""
    slider = (
        f'<p class="scrub" hidden><input type="range" min="0" max="{len(figures) - 1}" value="{len(figures) - 1}" '
        f'aria-label="{html.escape(t(N_("Moment of the run")))}"></p>'
    )
    script = (files(__package__) / "page.js").read_text("utf-8")
    return f'{slider}<div class="film">{"".join(figures)}</div><script>{script}</script>'


def _curves(now: Still, t: Catalog) -> str:
    charts = (
        (
            N_("Losses"),
            N_("loss"),
            (("loss_d", "d", N_("discriminator")), ("loss_g", "g", N_("generator"))),
        ),
        (
            N_("D's accuracy"),
            N_("share"),
            (("accuracy_real", "real", N_("on real")), ("accuracy_fake", "generated", N_("on generated"))),
        ),
        (
            N_("Gradient norms"),
            N_("norm"),
            (("grad_norm_d", "d", N_("discriminator")), ("grad_norm_g", "g", N_("generator"))),
        ),
    )
    drawn = []
    for title, unit, columns in charts:
        lines = [Line(t(label), tone, now.losses[name]) for name, tone, label in columns]
        if any(len(line.envelope[0]) for line in lines):
            drawn.append(chart(t(title), lines, t(N_("iteration")), t(unit), t))
    return f'<div class="pair">{"".join(drawn)}</div>' if drawn else ""


def _figures(account: Account, t: Catalog) -> str:
    tiles, metrics = [], account.metrics
    for name, value in account.figures.items():
        metric = metrics.get(name)
        if metric is None:
            label, form = t(ACCURACIES.get(name, name)), ".3f"
        else:
            label, form = t(metric.label), metric.format
        # A perfect generator leaves D at chance, so there is no target.
        floor = None if metric is None else account.floors.get(name)
        perfect = "" if floor is None else t(N_("perfect: {value}"), value=_spell(floor, form))
        unit = "" if metric is None or not metric.unit else f" <small>{html.escape(t(metric.unit))}</small>"
        tiles.append(
            f'<div class="tile">{html.escape(label)}<b>{_spell(value, form)}{unit}</b>'
            f"<small>{html.escape(perfect)}</small></div>"
        )
    basis = t(N_("Measured on: {features}."), features=t(account.features)) if account.features else ""
    return f'<p>{html.escape(basis)}</p><div class="tiles">{"".join(tiles)}</div>' if tiles else ""


def _spell(value: float, form: str) -> str:
    if math.isfinite(value):
        return format(value, form)
    return "\N{INFINITY}" if value > 0 else "\N{EN DASH}"


def _interventions(account: Account, t: Catalog) -> str:
    past = account.past
    if not past.interventions:
        return ""
    names = {branch_view.id: branch_view.name for branch_view in past.branches}
    rows = "".join(
        f'<tr><td class="number">{record.seq}</td><td>{html.escape(names.get(record.branch, ""))}</td>'
        f"<td>{html.escape(described(record, t, account.definitions))}</td></tr>"
        for record in past.interventions
    )
    return f'<div class="scroll"><table>{rows}</table></div>'


def _settings(account: Account, t: Catalog) -> str:
    rows = []
    for name, setting in account.definitions.items():
        if name not in account.settings:
            continue
        if name == "data":
            value = _data(account, t)
        else:
            value = value_in_words(name, account.settings[name], t, account.definitions)
        unit = f" {t(setting.unit)}" if setting.unit else ""
        rows.append(
            f'<tr title="{html.escape(t(str(setting.help)))}"><th>{html.escape(t(setting.label))}</th>'
            f'<td class="number">{html.escape(value + unit)}</td><td><code>{name}</code></td></tr>'
        )
    return f'<div class="scroll"><table>{"".join(rows)}</table></div>'


def _data(account: Account, t: Catalog) -> str:
    return f"{account.data}: {t(account.taken_as)}" if account.taken_as else account.data


def _table(rows: Any) -> str:
    cells = "".join(f"<tr><th>{html.escape(str(a))}</th><td>{html.escape(str(b))}</td></tr>" for a, b in rows)
    return f"<table>{cells}</table>"
