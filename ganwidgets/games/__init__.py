"""Games: which networks are trained against which losses, each game in one module."""

from __future__ import annotations
