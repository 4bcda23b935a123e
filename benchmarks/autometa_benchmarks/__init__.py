"""autometa's own research: what its claims about public data, peers and load are measured with.

    suites/      public data, tables, applications             inner/   learned inner rates
    methods/     other people's methods                        cli/     commands that it adds
    loop, pruning, refit                                       searches of other kinds
    overhead, load, load_servers, postgres, measuring          what it costs, by hand

The engine that runs and sums up comparisons is `autometa.bench`; `collection` is what it finds
here. Nothing of this is in autometa's wheel.
"""
