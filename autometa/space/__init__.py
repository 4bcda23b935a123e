"""Search spaces: what may be tuned, and configs as dicts, raw rows and unit vectors."""

from autometa.space.space import Config, SearchSpace
from autometa.space.structure import Conditions
from autometa.space.values import Value, describe, raw_value, same

__all__ = ["Conditions", "Config", "SearchSpace", "Value", "describe", "raw_value", "same"]
