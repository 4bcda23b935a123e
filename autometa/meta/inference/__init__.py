"""What the mother says of a task after n trials: hypotheses, weighed, and their posterior."""
