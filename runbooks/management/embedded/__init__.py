"""opsaas on one machine, under one parent: what `manage.py up` is made of.

`up` prepares (data folder, address, database) and then becomes the supervisor, a small process of the standard
library alone that starts the children, passes their output on, starts again what dies and stops them all.
"""
