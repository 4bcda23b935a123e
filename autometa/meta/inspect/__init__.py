"""What the mother knows, for people: importance, a map of tasks, a probe of the rate."""
