"""The ways to keep a script from the machine, by what the machine has to offer for them.

| recipe     | level   | needs                                     | what it does                                     |
|------------|---------|-------------------------------------------|--------------------------------------------------|
| `host`     | host    | nothing                                   | an ordinary process of the worker's user         |
| `landlock` | process | Linux 6.12 with Landlock                  | files out of view, tracing and signals refused   |
| `user`     | process | root, a folder that others may pass       | a user of its own for each script                |
| `rootless` | full    | user namespaces for everybody, Linux 5.12 | a root directory and namespaces of its own       |
| `rooted`   | full    | root, Linux 5.12                          | the same, and a user of its own for each script  |
"""

HOST, LANDLOCK, USER, ROOTLESS, ROOTED = "host", "landlock", "user", "rootless", "rooted"
WITH_A_USER = (USER, ROOTED)
WITH_NAMESPACES = (ROOTLESS, ROOTED)
WITH_A_VIEW = (LANDLOCK, ROOTLESS, ROOTED)
