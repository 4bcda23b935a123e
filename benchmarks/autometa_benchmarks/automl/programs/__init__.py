"""Programs that run one system on one job; each stands alone in the environment of its system."""
