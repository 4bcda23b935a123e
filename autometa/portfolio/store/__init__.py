"""A portfolio on disk: one folder, its manifest, tasks and trials, and older editions."""
