"""Every knob of a run, defined once.

A setting's type, bounds, default, label, one-sentence help, scale and the moment at which a
change takes effect stand in :mod:`~ganwidgets.settings.definitions` and nowhere else: the constructors'
keywords, the widget's traits and controls, the table in the documentation, the saved run and the log
of interventions are all made from these definitions.
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
