"""The outside, for scripts: starting them, watching over them, ending them with all that they started.

    worker process        a thread per script: local -> attempt, through link
      └ opsaas: spawner   spawner: one per worker, small and single-threaded, so that it can fork
          └ opsaas: warden RUN   warden, birth: one per script; knows and ends every descendant
              └ opsaas: innermost RUN   innermost, ownroot: only where the script has namespaces
                  └ the script   become: what it lets go of before its program is executed

How a script is kept from the machine: `recipes` names the ways, `ladder` says which of them this machine offers (by
`trial`) and which one a piece of work gets; `view` is what is seen of the machine's files, `landlock`, `users` and
`bounds` do what their names say.

Scripts on other machines: see `ssh`, which sends `wrapper.sh` ahead of each.

`channel` is what worker and warden say to each other, `folder` the script's working folder, `base` where those are,
`launch` the program that a script is started with, `left` and `verdict` what comes back. Nothing here knows Django, and
what spawner and warden import is kept small: their memory counts once per worker, and a part of it once per script.
"""
