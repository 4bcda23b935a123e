"""One file a family: its search space, its defaults, and how a config becomes a model.

A module here with a `CHILD` is a family; nothing else has to know of it. What several families
share is in modules whose names begin with an underscore. See `registry`.
"""
