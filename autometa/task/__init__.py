"""What was tuned, and how each config did: frozen records."""

from autometa.task.history import COLUMNS, TaskHistory
from autometa.task.task import Direction, Task, check_direction
from autometa.task.trial import CompletedTrial, State

__all__ = [
    "COLUMNS",
    "CompletedTrial",
    "Direction",
    "State",
    "Task",
    "TaskHistory",
    "check_direction",
]
