"""Web pages on which a class follows and steers one run."""

from ganwidgets.widgets.classroom.classroom import Classroom
from ganwidgets.widgets.classroom.proposals import Proposal

__all__ = ["Classroom", "Proposal"]
