"""Training that goes on while others watch and steer it; knows nothing of Jupyter or of pictures."""

from ganwidgets.live.frames.camera import Camera
from ganwidgets.live.frames.frame import Frame
from ganwidgets.live.pacing import Pacer
from ganwidgets.live.worker.run_state import Event, RunState
from ganwidgets.live.worker.runner import Runner

__all__ = ["Camera", "Event", "Frame", "Pacer", "RunState", "Runner"]
