"""Background training with observers and commands; independent of Jupyter and of display."""

from ganwidgets.live.frames.camera import Camera
from ganwidgets.live.frames.frame import Frame
from ganwidgets.live.pacing import Pacer
from ganwidgets.live.worker.run_state import Event, RunState
from ganwidgets.live.worker.runner import Runner

__all__ = ["Camera", "Event", "Frame", "Pacer", "RunState", "Runner"]
