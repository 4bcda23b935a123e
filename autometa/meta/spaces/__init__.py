"""From the space of the prior to the space of a study: shown, matched, linked, projected."""
