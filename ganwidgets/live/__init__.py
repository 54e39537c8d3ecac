"""Training that goes on while others watch and steer it; knows nothing of Jupyter or of pictures."""

from .frames import Camera, Frame
from .pacing import Pacer
from .runner import Runner
from .state import Event, RunState

__all__ = ["Camera", "Event", "Frame", "Pacer", "RunState", "Runner"]
