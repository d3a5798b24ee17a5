"""The outside, for scripts: starting them, watching over them, ending them with all that they started.

    worker process        a thread per script: local -> attempt, through link
      └ opsaas: spawner   spawner: one per worker, small and single-threaded, so that it can fork
          └ opsaas: warden RUN   warden, birth: one per script; knows and ends every descendant
              └ the script

`channel` is what worker and warden say to each other, `folder` the script's working folder, `base` where those are,
`launch` the program that a script is started with, `left` and `verdict` what comes back. Nothing here knows Django, and
what spawner and warden import is kept small: their memory counts once per worker, and a part of it once per script.
"""
