"""Settings of a run, each defined once.

:mod:`~ganwidgets.settings.definitions` and :mod:`~ganwidgets.settings.fresh_start` have a setting's type, bounds,
default, label, help, scale and the moment at which a change takes effect. Constructor keywords, the widget's traits and
controls, the documentation's table, saved runs and the log of interventions are made from these definitions.
"""

from ganwidgets.settings.definitions import OWN, SETTINGS, SettingTraits
from ganwidgets.settings.schedules import factor, register_schedule
from ganwidgets.settings.settings import AnySettings, Settings, check_names, settings_table, with_definitions
from ganwidgets.settings.types import (
    BoolSetting,
    ChoiceSetting,
    DataSetting,
    FloatSetting,
    IntSetting,
    LayerWidthsSetting,
    NumberSetting,
    ScheduleSetting,
    Setting,
    SettingGroup,
    SettingOwner,
)

__all__ = [
    "OWN",
    "SETTINGS",
    "AnySettings",
    "BoolSetting",
    "ChoiceSetting",
    "DataSetting",
    "FloatSetting",
    "IntSetting",
    "LayerWidthsSetting",
    "NumberSetting",
    "ScheduleSetting",
    "Setting",
    "SettingGroup",
    "SettingOwner",
    "SettingTraits",
    "Settings",
    "check_names",
    "factor",
    "register_schedule",
    "settings_table",
    "with_definitions",
]
