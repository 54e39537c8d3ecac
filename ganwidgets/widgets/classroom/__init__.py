"""One run on the pages of a whole class."""

from ganwidgets.widgets.classroom.classroom import Classroom
from ganwidgets.widgets.classroom.proposals import Proposal

__all__ = ["Classroom", "Proposal"]
