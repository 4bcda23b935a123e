"""The mother system: a portfolio becomes a meta-model.

The data flow, one idea a file: targets (values -> normal scores) -> basis (a network shared by all
tasks) -> prior (what heads are likely) -> posterior (what n trials say) ; zero_shot before the
first trial; learner and model tie them together.
"""

from autometa.meta.first_configs import Candidate
from autometa.meta.learner import MetaLearner
from autometa.meta.model import MetaModel

__all__ = ["Candidate", "MetaLearner", "MetaModel"]
