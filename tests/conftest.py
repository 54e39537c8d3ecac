"""Settings for all tests: English texts, one thread, and no deadline on a shared machine."""

from __future__ import annotations

import os
import signal

import torch
from hypothesis import HealthCheck, settings

# For this process and for kernels and servers that tests start, whatever the system language.
os.environ["LANGUAGE"] = "en"

# A shell that starts the tests in the background makes them ignore interrupts, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# On a loaded machine, more threads make small networks slower.
torch.set_num_threads(1)

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("shared"), derandomize=True, max_examples=60)
settings.load_profile("ci" if os.environ.get("CI") else "shared")

# These files contain fixtures; only test modules and the package have doctests.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]
