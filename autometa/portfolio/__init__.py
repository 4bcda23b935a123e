"""Portfolios: the histories that meta-training uses, in memory and on disk."""

from autometa.portfolio.diff import PortfolioDiff, TaskChange
from autometa.portfolio.portfolio import Portfolio

__all__ = ["Portfolio", "PortfolioDiff", "TaskChange"]
