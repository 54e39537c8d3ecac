"""Controls generated from the settings' definitions."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import ipywidgets
from traitlets import TraitError

from ganwidgets.messages import Catalog, Message, N_
from ganwidgets.settings import SETTINGS, BoolSetting, NumberSetting, Setting
from ganwidgets.widgets.browser.style.shared_style import SharedStyle
from ganwidgets.widgets.controls.editors import Field, NumberEditor, make_editor

__all__ = ["Control", "ControlSet"]

Ask = Callable[[str, Any], None]

OPTIMIZERS = ("optimizer_d", "optimizer_g")

NOTHING = object()

NOT_ADAPTIVE = frozenset({"none", "translation", "cutout", "color", "all"})
"""Values of the setting `augment` under which images change at a fixed rate."""

IDLE: Mapping[str, tuple[Mapping[str, Collection[Any]], str]] = MappingProxyType(
    {
        "penalty_weight": ({"penalty": {"none"}}, N_("no effect without a penalty")),
        "penalty_interval": ({"penalty": {"none"}}, N_("no effect without a penalty")),
        **{
            name: ({"lr_schedule": {"constant"}}, N_("no effect while the schedule is constant"))
            for name in ("schedule_steps", "schedule_end", "penalty_end")
        },
        **{
            name: ({"augment": NOT_ADAPTIVE}, N_("no effect without ADA"))
            for name in ("augment_target", "augment_samples", "augment_p")
        },
        "ema_rampup": ({"ema_decay": {0.0}}, N_("no effect without averaging")),
        "beta1": (
            {name: {"sgd", "rmsprop"} for name in OPTIMIZERS},
            N_("no effect with these optimizers"),
        ),
        "beta2": (
            {name: {"sgd", "momentum"} for name in OPTIMIZERS},
            N_("no effect with these optimizers"),
        ),
    }
)
"""By setting: values of other settings that together make it ineffective, and the sentence that says so."""

DECISIVE = {"architecture", "data"}.union(*(conditions for conditions, _ in IDLE.values()))
"""The settings that decide whether another one has an effect."""


class Control:
    """The control of one setting: a label, the input, and a line for messages.

    Parameters
    ----------
    name : str
        The setting's name; the outermost widget carries the CSS class ``gw-<name>``.
    setting : Setting
        Its definition.
    catalog : Catalog
        The reader's language.
    ask : callable
        ``ask(name, value)`` is called when the user enters a value, on the thread that handles the
        browser's messages and with no lock held. It raises `TraitError` to refuse the value.
    look : SharedStyle, optional
        Layout and styles shared by the controls of one widget.
    zero_end : {"low", "high"}
        The end of a slider with the special value 0.
    presets : mapping of str to str, optional
        For data: each preset's name and label.
    shown : callable, optional
        Called as ``shown(name)``, with no lock held, after the displayed value has changed.
    css_classes : sequence of str, optional
        Further CSS classes of the outermost widget.
    """

    def __init__(
        self,
        name: str,
        setting: Setting[Any],
        catalog: Catalog,
        ask: Ask,
        *,
        look: SharedStyle | None = None,
        zero_end: Literal["low", "high"] = "low",
        presets: Mapping[str, str] | None = None,
        shown: Callable[[str], None] = lambda _name: None,
        css_classes: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.setting = setting
        self._catalog = catalog
        self._ask = ask
        self._look = look or SharedStyle()
        self._guard = threading.RLock()
        self._shown: Any = setting.initial
        self._asked: Any = NOTHING
        self._in_force: Any = NOTHING
        self._refusal = ""
        self._idle = ""
        self._on_shown = shown
        self._css_classes = (
            "gw-control",
            f"gw-kind-{type(setting).__name__.lower()}",
            f"gw-{name}",
            *css_classes,
        )
        self._box: ipywidgets.Box | None = None
        self._note: ipywidgets.HTML | None = None
        label = catalog(setting.label)
        if setting.unit and not isinstance(setting, BoolSetting):
            label = f'{html.escape(label)} <span class="gw-unit">{html.escape(catalog(setting.unit))}</span>'
        self.editor = make_editor(
            setting,
            Field(label, catalog, self._look, self._guard, self._edited, catalog(setting.help)),
            zero_end=zero_end,
            presets=presets,
        )
        if zero_end == "high" and isinstance(self.editor, NumberEditor):
            self.editor.typed_zero = self._refuse_typed_zero

    @property
    def widget(self) -> ipywidgets.Box:
        """The outermost widget, created when it is first read; later only its traits change.

        It is created with all that is known by then. Each later change would be a message of its own to the page.
        """
        with self._guard:
            if self._box is None:
                text = self._annotation()
                self._note = self._look.html(text, "gw-note") if text else None
                parts = [*self.editor.widgets, *([] if self._note is None else [self._note])]
                self._box = self._look.box(parts, *self._css_classes, *(["gw-idle"] if self._idle else []))
            return self._box

    @property
    def names(self) -> tuple[str, str]:
        """Accessible name and tooltip."""
        unit = self._catalog(self.setting.unit)
        label = self._catalog(self.setting.label)
        return (f"{label}, {unit}" if unit else label), self._catalog(self.setting.help)

    @property
    def places(self) -> list[str]:
        """Text for screen readers at each position of the slider; empty without a slider."""
        if not isinstance(self.editor, NumberEditor):
            return []
        zero, unit = self._catalog(self.editor.zero), self._catalog(self.setting.unit)
        return [
            zero if zero and value == 0 else f"{self.editor.words(value)} {unit}".rstrip()
            for value in self.editor.values
        ]

    @property
    def shown(self) -> Any:
        """The value on display."""
        return self._shown

    @property
    def pending(self) -> bool:
        """True if the value in force differs from the displayed one, until the next update or a fresh start."""
        return self._in_force is not NOTHING and not _same(self._in_force, self._shown)

    def show(self, value: Any) -> None:
        """Display `value`, set by the kernel; never calls `ask`.

        Does nothing if the user asked for `value` last: it is on display already, and the user may have dragged the slider
        further.
        """
        with self._guard:
            if _same(value, self._asked):
                return
            self._asked = NOTHING
            self._refusal = ""
            self._display(value)
        self._on_shown(self.name)

    def show_in_force(self, value: Any) -> None:
        """Show the value in force if it differs from the requested one."""
        with self._guard:
            self._in_force = value
            self._annotate()

    def show_idle(self, reason: str) -> None:
        """Show why the setting would have no effect after a fresh start; `reason` is empty if it has one."""
        with self._guard:
            if reason != self._idle:
                self._idle = reason
                if self._box is not None:
                    (self._box.add_class if reason else self._box.remove_class)("gw-idle")
                self._annotate()

    def refuse(self, error: BaseException, value: Any) -> None:
        """Show why the request was refused, and display `value` again."""
        with self._guard:
            self._asked = NOTHING
            self._refusal = self._catalog.error(error)
            self._display(value)
        self._on_shown(self.name)

    def _display(self, value: Any) -> None:
        self._shown = value
        self.editor.show(value)
        self._annotate()

    def _edited(self, value: Any) -> None:
        with self._guard:
            if _same(value, self._shown):
                self._refusal = ""
                self._annotate()
                return
            before = self._shown
            self._shown = self._asked = value
        try:
            self._ask(self.name, self.setting.check(value))
        except TraitError as error:
            self.refuse(error, before)
        else:
            with self._guard:
                self._refusal = ""
                self._annotate()
            self._on_shown(self.name)

    def _refuse_typed_zero(self) -> None:
        """Refuse a typed 0 if 0 means no limit."""
        self.refuse(
            TraitError(
                Message(
                    "0 is not accepted here: to stop press Pause, for no limit move the slider to its right end"
                )
            ),
            self._shown,
        )

    def _annotation(self) -> str:
        """Return the line below the input: a refusal, why it has no effect, a pending value, or the meaning of 0."""
        if self._refusal:
            return f'<span role="alert" class="gw-refusal">{html.escape(self._refusal)}</span>'
        if self._idle:
            return f'<span class="gw-idle-because">{html.escape(self._idle)}</span>'
        if self.pending:
            waits = self.setting.effect == "fresh start"
            template = N_("takes effect at Reset; now {value}") if waits else N_("asked for; now {value}")
            sentence = self._catalog(template, value=self.editor.words(self._in_force))
            # Most changes take effect at once; their line appears only if the current step takes long.
            kind = "gw-pending" if waits else "gw-pending gw-asked"
            return f'<span class="{kind}">{html.escape(sentence)}</span>'
        if isinstance(self.setting, NumberSetting) and self.setting.zero and _same(self._shown, 0):
            return f'<span class="gw-zero">{html.escape(self._catalog(self.setting.zero))}</span>'
        return ""

    def _annotate(self) -> None:
        """Write the line below the input."""
        if self._box is None:
            return
        text = self._annotation()
        if self._note is not None:
            self._note.value = text
        elif text:
            self._note = self._look.html(text, "gw-note")
            self._box.children = (*self.editor.widgets, self._note)


GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "discriminator": N_("Discriminator"),
        "generator": N_("Generator"),
        "objective": N_("Objective"),
        "optimizer": N_("Optimizer"),
        "run": N_("Run"),
        "fresh start": N_("Fresh start"),
    }
)
"""Title of each group of settings."""


class ControlSet:
    """All controls, by name, and grouped for a layout.

    Parameters
    ----------
    catalog : Catalog
        The reader's language.
    ask : callable
        See :class:`Control`.
    settings : mapping of str to Setting, optional
        The definitions; default: all settings.
    look : SharedStyle, optional
        Layout and styles shared with the rest of one widget.
    presets : mapping of str to str, optional
        The label of each data preset, by name.
    tried : collection of str, optional
        Settings beside which the page offers to try another value.

    Attributes
    ----------
    controls : mapping of str to Control
    """

    def __init__(
        self,
        catalog: Catalog,
        ask: Ask,
        settings: Mapping[str, Setting[Any]] = SETTINGS,
        look: SharedStyle | None = None,
        presets: Mapping[str, str] | None = None,
        tried: Collection[str] = (),
    ) -> None:
        self._catalog = catalog
        self._suiting = threading.RLock()
        self._labelled: bool | None = None
        self._own: frozenset[str] = frozenset()
        self._augmentable = True
        look = look or SharedStyle()
        self.controls = {
            name: Control(
                name,
                setting,
                catalog,
                ask,
                look=look,
                presets=presets,
                shown=self._shown,
                css_classes=["gw-asks"] if name in tried else [],
            )
            for name, setting in settings.items()
        }

    def show(self, values: Mapping[str, Any]) -> None:
        """Display `values`, by name of the setting."""
        for name, value in values.items():
            self.controls[name].show(value)

    def show_in_force(self, values: Mapping[str, Any]) -> None:
        """Show which of `values`, those in force, differ from the requested ones."""
        for name, value in values.items():
            self.controls[name].show_in_force(value)
        self._show_idle()

    def suit(self, *, labelled: bool | None, own: Collection[str], augmentable: bool = True) -> None:
        """Show which controls have no effect on such a run.

        Parameters
        ----------
        labelled : bool or None
            True if the data in force has labels; None if that is unknown before reading it.
        own : collection of str
            Those of ``"generator"`` and ``"discriminator"`` that are the user's own.
        augmentable : bool
            True if the setting ``augment`` applies to the data in force.
        """
        with self._suiting:
            self._labelled, self._own, self._augmentable = labelled, frozenset(own), augmentable
            self._show_idle()

    def _shown(self, name: str) -> None:
        if name in DECISIVE:
            self._show_idle()

    def _show_idle(self) -> None:
        with self._suiting:
            for control in self.controls.values():
                control.show_idle(self._idle(control))

    def _idle(self, control: Control) -> str:
        """Return why `control` would have no effect after a fresh start; empty if it has one."""
        setting, t = control.setting, self._catalog
        if setting.affects and self._own.issuperset(setting.affects):
            return t(N_("no effect on a network of your own"))
        architecture = self.controls.get("architecture")
        if setting.architectures and architecture and architecture.shown not in setting.architectures:
            names = ", ".join(map(architecture.editor.words, setting.architectures))
            return t(N_("only for {architectures}"), architectures=names)
        if control.name in IDLE:
            conditions, reason = IDLE[control.name]
            if all(
                name in self.controls and self.controls[name].shown in values
                for name, values in conditions.items()
            ):
                return t(reason)
        if control.name == "augment" and not self._augmentable:
            return t(N_("only for images"))
        if control.name == "conditional" and self._labelled is False and not self.controls["data"].pending:
            return t(N_("this data has no labels"))
        return ""

    def title(self, group: str) -> str:
        """Return the title of `group` in the reader's language."""
        return self._catalog(GROUPS[group])

    def in_group(self, group: str, without: Iterable[str] = ()) -> list[Control]:
        """Return the controls of `group` in their order, except those named in `without`."""
        skipped = set(without)
        return [
            control
            for control in self.controls.values()
            if control.setting.group == group and control.name not in skipped
        ]

    @property
    def names(self) -> dict[str, tuple[str, str]]:
        """Accessible name and tooltip of each control, by CSS class."""
        return {f"gw-{name}": control.names for name, control in self.controls.items()}

    @property
    def places(self) -> dict[str, list[str]]:
        """Texts for screen readers at the positions of each slider, by CSS class."""
        return {f"gw-{name}": control.places for name, control in self.controls.items() if control.places}


def _same(one: Any, other: Any) -> bool:
    """Return True if two values are equal; arrays and the like must be the same object."""
    if one is other:
        return True
    return _plain(one) and _plain(other) and bool(one == other)


def _plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(entry, int) for entry in value)
    return isinstance(value, bool | int | float | str)
