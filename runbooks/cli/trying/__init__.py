"""`opsaas try`: a definition on the author's own machine, with what a worker would use and no server.

The only part of the command line that knows `domain` and `execution`; both are free of Django.
"""
