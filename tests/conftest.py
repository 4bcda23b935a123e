"""Hooks of the whole run: the table of faults, where fault tests ran."""

from __future__ import annotations

from tests.faults.counter import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]
