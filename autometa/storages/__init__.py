"""Studies and where they are kept: addresses, opening, journals, a trial's own attributes."""
