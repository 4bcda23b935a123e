"""Tables: data sets that children are trained on."""

from autometa.tables.fingerprint import fingerprint, relatives, same_data
from autometa.tables.load import BUILTIN, load_table
from autometa.tables.notes import TableWarning
from autometa.tables.table import Kind, Scale, Schema, Table, guess_kind

__all__ = [
    "BUILTIN",
    "Kind",
    "Scale",
    "Schema",
    "Table",
    "TableWarning",
    "fingerprint",
    "guess_kind",
    "load_table",
    "relatives",
    "same_data",
]
