"""The engine, pure: what a meta-model says of a study's space, as far as its trials are known."""
