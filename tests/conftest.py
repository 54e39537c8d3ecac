"""What all tests share: English texts, one thread, and no deadline on a shared machine."""

from __future__ import annotations

import os
import signal

import torch
from hypothesis import HealthCheck, settings

# In this process and in the kernels and servers that tests start, whatever the system speaks.
os.environ["LANGUAGE"] = "en"

# A shell that starts the tests in the background lets them ignore interrupts; some tests send one.
signal.signal(signal.SIGINT, signal.default_int_handler)

# On a loaded machine more threads make small networks slower, not faster.
torch.set_num_threads(1)

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("shared"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "shared")

# They hold fixtures; only modules of tests, and the package's own, have examples to run.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]
