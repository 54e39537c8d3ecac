"""A widget for exploring the latent space of a style-based generator."""

from __future__ import annotations

import io
import math
import threading
import time
from typing import Any

import ipywidgets
import torch
from torch import Tensor, nn
from traitlets import Int, List, Unicode, observe, validate

from ganwidgets.errors import DataError
from ganwidgets.latents import Cancelled, Estimate, Exploration, Place
from ganwidgets.latents.spectra import log_spectrum
from ganwidgets.live.worker.background import LatestOnlyTasks
from ganwidgets.messages import Message, N_, catalog
from ganwidgets.settings import Setting
from ganwidgets.widgets.browser.kernel.displays import Displayed, Displays
from ganwidgets.widgets.browser.kernel.models import models_of
from ganwidgets.widgets.browser.page.heartbeat import Heartbeat, NullViewListener, gone_words
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.controls import ControlSet
from ganwidgets.widgets.latents.choices import CHOICES, DIRECTIONS, LatentTraits
from ganwidgets.widgets.latents.pictures import activations, enlarged, picture, png_of, spectrum
from ganwidgets.widgets.latents.view import LatentView
from ganwidgets.widgets.latents.walk import LatentWalk

__all__ = ["LatentExplorer"]

CLOSED = N_("This widget was closed; gw.LatentExplorer(G) makes another.")

QUICK = 0.15
"""Minimum duration of an image, in seconds, for showing a coarse preview first."""

MOST_CHANNELS = 4096
"""Upper bound of channel numbers; the largest published layer has 1024 channels."""


class LatentExplorer(Displayed, LatentTraits, LatentWalk, ipywidgets.VBox):
    """Explores the latent space of one generator: seeds, truncation, style mixing, input motion, layers and spectra.

    Every setting is a trait and a control: ``x y truncation_psi truncation_cutoff mix_seed mixed tx ty rotation label
    direction_1 ... direction_4 layer channel``. A background thread computes the image of the latest place. During a
    drag, a coarse image is computed from early layers alone. Only layers from the first changed style on are computed
    again.

    Parameters
    ----------
    generator : nn.Module
        A StyleGAN3 or StyleGAN2 generator: from :func:`ganwidgets.load_stylegan`, or ``trainer.generator``.
    beside : nn.Module, optional
        A second generator, shown under the same input motion for comparing equivariance.
    locale : str, optional
        Language of all texts, such as ``"fr"``; default: the system's.
    **choices
        Initial values of the traits above, by name.

    Attributes
    ----------
    image : Tensor
        The latest complete image, float32 [C, H, W] in about [-1, 1]; call :meth:`wait` first.
    estimate : Estimate
        Cost of one image, computed before the first.

    Raises
    ------
    DataError
        If the network is of another kind, or one image needs more memory than is available.
    TypeError
        If a keyword is unknown.

    Examples
    --------
    >>> import torch
    >>> from ganwidgets.networks.stylegan3 import Generator, initialize
    >>> g = Generator(8, 0, 8, 16, 1, channel_base=64, channel_max=4, num_layers=4, margin_size=3)
    >>> initialize(g, torch.Generator().manual_seed(0))
    >>> explorer = LatentExplorer(g.eval(), truncation_psi=1.0)
    >>> explorer.wait().shape
    torch.Size([1, 16, 16])
    >>> explorer.close()
    """

    mixed = List(Int(), help="Numbers of the layers whose styles come from mix_seed.")
    layer = Unicode(help="Name of the layer whose activations are displayed; empty for none.")
    channel = Int(-1, help="The displayed channel of the layer; -1 for the first three as colours.")
    error = Unicode("", help="Error of the last image; empty if there was none.").tag(sync=False)

    _closed_words = CLOSED
    _tasks = LatestOnlyTasks()
    """Class attribute for :meth:`close` of a widget whose constructor raised."""

    def __init__(
        self,
        generator: nn.Module,
        *,
        beside: nn.Module | None = None,
        locale: str | None = None,
        **choices: Any,
    ) -> None:
        own = ("mixed", "layer", "channel")
        unknown = [name for name in choices if name not in CHOICES and name not in own]
        if unknown:
            raise TypeError(f"LatentExplorer has no {unknown[0]!r}; it has {', '.join((*CHOICES, *own))}")
        self._complete = False
        self._catalog = catalog(locale)
        self._displays = Displays()
        self._tasks = LatestOnlyTasks()
        self._lock = threading.RLock()
        self._stop, self._halt = threading.Event(), threading.Event()
        self._newest = 0
        self._image: Tensor | None = None
        self._pictures: dict[str, Any] = {}
        self._exploration = Exploration(generator)
        self._beside = None if beside is None else Exploration(beside)
        look = SharedStyle()
        shown = self._shown_choices()
        self._controls = ControlSet(self._catalog, self._ask, shown, look)
        self._view = LatentView(self._catalog, self._dragged)
        super().__init__()
        self._models = models_of(self.layout, self._view)
        try:
            for name, value in choices.items():
                setattr(self, name, value)
        except BaseException:
            self.close()
            raise
        self._controls.show({name: getattr(self, name) for name in shown})
        self._mixing = [self._mix_button(number, look) for number in range(self._exploration.mapping.num_ws)]
        self._layer_list = ipywidgets.Dropdown(
            options=[(self._catalog(N_("no layer")), ""), *((name, name) for name in self.layers)],
            value=self.layer,
            **look.of(ipywidgets.Dropdown, "gw-layer"),
        )
        self._layer_list.observe(lambda change: setattr(self, "layer", change["new"]), "value")
        self._channel = ipywidgets.BoundedIntText(
            value=self.channel,
            min=-1,
            max=MOST_CHANNELS - 1,
            description=self._catalog(N_("Channel")),
            tooltip=self._catalog(
                N_("The channel of the layer that is shown; -1 shows the first three as colours.")
            ),
            disabled=not self.layer,
            **look.of(ipywidgets.BoundedIntText, "gw-channel"),
        )
        self._channel.observe(lambda change: setattr(self, "channel", change["new"]), "value")
        self._cancel = look.button(self._catalog(N_("Cancel")), self.cancel, "gw-cancel")
        mixing = look.html(f"<span>{self._catalog(N_('Styles from the other seed'))}</span>", "gw-card-title")
        self.children = (
            Heartbeat(
                NullViewListener(),
                {
                    **self._controls.names,
                    "gw-layer": (self._catalog(N_("Layer")),) * 2,
                    "gw-channel": (self._catalog(N_("Channel")),) * 2,
                    **self._walk_names(),
                },
                places=self._controls.places,
                words=gone_words(self._catalog),
                stored=self._displays.stored,
            ),
            self._view,
            look.box([self._cancel, self._layer_list, self._channel], "gw-actions"),
            self._walk_row(look),
            look.box([mixing, *self._mixing], "gw-mixing"),
            look.box([control.widget for control in self._controls.controls.values()], "gw-grid"),
        )
        self._models = models_of(*self.children, self.layout)
        self.add_class("gw-root")
        self._complete = True
        self._request()

    def _shown_choices(self) -> dict[str, Setting[Any]]:
        hidden = set()
        if not self._exploration.mapping.c_dim:
            hidden.add("label")
        if not self._exploration.staged.takes_transform:
            hidden.add("rotation")
        return {name: setting for name, setting in CHOICES.items() if name not in hidden}

    def _mix_button(self, number: int, look: SharedStyle) -> Any:
        button = ipywidgets.ToggleButton(
            value=number in self.mixed,
            description=str(number),
            tooltip=self._name_of_style(number),
            **look.of(ipywidgets.ToggleButton, "gw-mix"),
        )
        button.observe(lambda change: self._mix(number, change["new"]), "value")
        return button

    def _name_of_style(self, number: int) -> str:
        stages = self._exploration.staged.stages
        return next(stage.name for stage in stages if number in range(stage.styles.start, stage.styles.stop))

    # --- state ----------------------------------------------------------------------------------

    @property
    def place(self) -> Place:
        """The current place in the latent space."""
        return Place(
            x=self.x,
            y=self.y,
            truncation_psi=self.truncation_psi,
            truncation_cutoff=self.truncation_cutoff or None,
            mix_seed=self.mix_seed,
            mixed=tuple(self.mixed),
            tx=self.tx,
            ty=self.ty,
            rotation=self.rotation,
            directions=tuple(getattr(self, f"direction_{i + 1}") for i in range(DIRECTIONS)),
            label=self.label,
        )

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, from the input to the image."""
        return self._exploration.layers

    @property
    def estimate(self) -> Estimate:
        """Estimated cost of one image."""
        return self._exploration.estimate

    @property
    def image(self) -> Tensor | None:
        """The latest complete image, float32 [C, H, W] in about [-1, 1]; None before the first."""
        return self._image

    @property
    def computed_layers(self) -> int:
        """Number of layers computed for the last image; results of earlier layers were cached."""
        return self._exploration.staged.computed

    def activation(self, layer: str) -> Tensor:
        """Return the activations of a layer at the current place, float32 [C, H, W]."""
        with self._lock:
            return self._exploration.activation(self.place, self._checked_layer(layer)).clone()

    def spectrum(self, layer: str = "") -> Tensor:
        """Return the power spectrum of a layer, or of the image, in dB, float32 [H, W]."""
        return log_spectrum(self.activation(layer or self.layers[-1]))

    def _checked_layer(self, layer: str) -> str:
        if layer not in self.layers:
            raise DataError(
                Message(
                    "there is no layer {layer!r}; layers are {names}",
                    layer=layer,
                    names=", ".join(self.layers),
                )
            )
        return layer

    # --- requests -------------------------------------------------------------------------------

    def _ask(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def _mix(self, number: int, chosen: bool) -> None:
        others = set(self.mixed) - {number}
        self.mixed = sorted(others | {number} if chosen else others)

    def _dragged(self, how: str, dx: float, dy: float, done: bool) -> None:
        if how == "pan":
            moved = {"x": self.x - dx, "y": self.y - dy}
        elif how == "move":
            moved = {"tx": self.tx + dx, "ty": self.ty + dy}
        else:
            moved = {"rotation": (self.rotation + dx + 180) % 360 - 180}
        complete, self._complete = self._complete, False
        try:
            for name, value in moved.items():
                setting = CHOICES[name]
                setattr(self, name, min(max(value, setting.min), setting.max))  # type: ignore[attr-defined]
        finally:
            self._complete = complete
        if done:
            # Updating a slider during the drag would make it reply with an older value, which would undo the
            # drag.
            now = {name: getattr(self, name) for name in moved if name in self._controls.controls}
            self._controls.show(now)
        self._request(settled=done)

    @validate("layer")
    def _known_layer(self, proposal: Any) -> str:
        layer: str = proposal["value"]
        return layer and self._checked_layer(layer)

    @observe(*CHOICES, "mixed", "layer", "channel")
    def _chosen(self, change: Any) -> None:
        if not self._complete:
            return
        name = change["name"]
        if name in self._controls.controls:
            self._controls.show({name: change["new"]})
        elif name == "mixed":
            for number, button in enumerate(self._mixing):
                button.value = number in change["new"]
        elif name == "layer":
            self._layer_list.value = change["new"]
            self._channel.disabled = not change["new"]
        elif name == "channel":
            self._channel.value = change["new"]
        self._request()

    def _request(self, *, settled: bool = True) -> None:
        self._newest += 1
        self._stop.clear()
        number, place = self._newest, self.place
        self._tasks.ask("image", lambda: self._compute(number, place, settled), self._failed)

    def cancel(self) -> None:
        """Cancel the current image, walk or animation; the last image stays, and no file is written."""
        self._stop.set()
        self._halt.set()

    def wait(self, timeout: float | None = None) -> Tensor:
        """Wait for the image at the current place, and return it, float32 [C, H, W].

        Raises
        ------
        TimeoutError
            If it takes longer than `timeout` seconds.
        DataError
            If it could not be computed or was cancelled.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while (thread := self._tasks._thread) is not None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"the image takes longer than {timeout} seconds")
            thread.join(left)
        if self.error:
            raise DataError(self.error)
        if self._image is None:
            raise DataError(Message("there is no image: it was cancelled; change a setting to compute it"))
        return self._image

    # --- on the background thread ------------------------------------------------------------------

    def _compute(self, number: int, place: Place, settled: bool) -> None:
        with self._lock:
            exploration = self._exploration
            stages = len(exploration.staged.stages)
            expected = self._seconds()

            def watch(stage: int) -> None:
                if self._stop.is_set() or number != self._newest:
                    raise Cancelled
                if expected > QUICK:
                    self._show_progress(stage, stages)

            try:
                if expected > QUICK and exploration.readout.stage is not None:
                    self._show({"image": exploration.preview(place, watch)}, place, coarse=True)
                    if not settled:
                        return
                image = exploration.image(place, watch)
                found = {"image": image}
                if self._beside is not None:
                    found["beside"] = self._beside.image(place)
            except Cancelled:
                if self._stop.is_set():
                    self._view.state = {"text": self._catalog(N_("cancelled")), "share": 1.0}
                return
            self._image = image.clone()
            self.error = ""
            if self.layer:
                found["activation"] = exploration.activation(place, self.layer)
            self._show(found, place, coarse=False)

    def _failed(self, error: Exception) -> None:
        self.error = f"{type(error).__name__}: {error}"
        self._view.state = {"text": self.error, "share": 1.0}

    def _seconds(self) -> float:
        """Return the seconds of one image: measured, or estimated before the first."""
        known = self._exploration.staged.seconds
        measured = sum(known)
        return self.estimate.seconds if math.isnan(measured) else measured

    def _show_progress(self, stage: int, stages: int) -> None:
        known = self._exploration.staged.seconds
        total = self._seconds()
        measured = not math.isnan(sum(known))
        left = sum(known[stage:]) if measured else total * (1 - stage / stages)
        text = self._catalog(
            N_("layer {stage} of {stages}, about {seconds} s left"),
            stage=stage + 1,
            stages=stages,
            seconds=f"{left:.1f}",
        )
        self._view.state = {"text": text, "share": min(1 - left / max(total, 1e-9), 0.99)}

    def _show(self, found: dict[str, Tensor], place: Place, *, coarse: bool) -> None:
        t = self._catalog
        pictures: dict[str, Any] = {}
        for name, explored in (("image", self._exploration), ("beside", self._beside)):
            if name in found and explored is not None:
                caption = t(N_("coarse image")) if coarse else self._caption(explored, place, found[name])
                pictures[name] = picture(png_of(found[name]), caption, t(N_("Image")), coarse=coarse)
        if "activation" in found:
            channel = None if self.channel < 0 else self.channel
            pictures["activation"] = activations(found["activation"], self.layer, channel, t)
        if not coarse:
            pictures["spectrum"] = spectrum(found.get("activation", found["image"]), t)
            self._view.state = {"text": self._cost(), "share": 1.0}
        elif "activation" in self._pictures:
            pictures["activation"] = self._pictures["activation"]
        self._pictures = pictures
        self._view.pictures = pictures

    def _cost(self) -> str:
        """Return a sentence about the cost of the last image."""
        return self._catalog(
            N_("{layers} of {all} layers computed; a whole image takes {seconds} s"),
            layers=self.computed_layers,
            all=len(self.layers),
            seconds=f"{sum(self._exploration.staged.seconds):.2f}",
        )

    def _caption(self, explored: Exploration, place: Place, image: Tensor) -> str:
        decibels = explored.equivariance(place, image)
        size = f"{image.shape[2]} x {image.shape[1]}"
        if not math.isfinite(decibels):
            return size
        return self._catalog(
            N_("{size}; follows its input with {decibels} dB"), size=size, decibels=f"{decibels:.1f}"
        )

    def _picture(self) -> bytes:
        """Return the latest image, enlarged, as a PNG for readers without a kernel."""
        file = io.BytesIO()
        enlarged(torch.zeros(3, 16, 16) if self._image is None else self._image, 600).save(file, "PNG")
        return file.getvalue()

    def close(self) -> None:
        """Close the widget and end its thread."""
        if "_tasks" in vars(self):
            self.cancel()
            self._tasks.close()
            self._tasks.join()
        super().close()

    def __repr__(self) -> str:
        return f"<LatentExplorer of a {type(self._exploration.generator).__name__}, {self.place!r}>"
