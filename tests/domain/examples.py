"""Definitions that tests of the domain share."""

import copy
from typing import Any

# The example of the contract, whole: most of it comes later.
DRAIN_WORKER_WHOLE = """\
apiVersion: opsaas/v1
kind: Runbook
metadata:
  project: payments
  slug: drain-worker
  title: Drain and restart a payments worker
  tags: [queue, restart]
  alerts: [PaymentsQueueStuck]
doc: |
  ## Meaning
  A consumer stopped committing offsets.
  ## Impact / Diagnosis / Verify / Undo …
spec:
  risk: high                       # low | medium | high: what the form asks before it runs
  parameters:
    - {name: env, type: choice, choices: [staging, production], default: staging}
    - {name: host, type: node, from: "role=payments-worker", confirm: true}
    - {name: note, type: string, pattern: "[A-Za-z0-9 ._-]{0,80}", required: false}
  targets: {select: "name == params.host", batch: 1, max_failures: 0}
  containment: {level: full, network: true}
  steps:
    - id: drain
      interpreter: [bash, -euo, pipefail]
      script: {file: ./drain.sh}
      timeout: 5m
    - id: caught_up
      manual: {ask: "Is Seconds_Behind_Master 0?", evidence: note}
    - id: restart
      interpreter: [python3]
      script: |
        import os; print("restarting", os.environ["OPSAAS_PARAM_HOST"])
      secrets: {DEPLOY_KEY: payments/deploy}
      when: steps.drain.outputs.left == "0"
      retries: {count: 2, delay: 10s}
  cleanup: [undo]
  concurrency: {key: "params.host", on_conflict: reject}
  policy:
    approvals: {when: 'params.env == "production"', from: [group:payments-sre], count: 1, expires: 30m}
    break_glass: {allow: [group:incident-commanders]}
  notify:
    - {to: owners, on: [started, failed, break_glass]}
"""

# The same without what comes later.
DRAIN_WORKER = """\
apiVersion: opsaas/v1
kind: Runbook
metadata:
  project: payments
  slug: drain-worker
  title: Drain and restart a payments worker
  tags: [queue, restart]
  alerts: [PaymentsQueueStuck]
doc: |
  ## Meaning
  A consumer stopped committing offsets.
spec:
  risk: high
  parameters:
    - {name: env, type: choice, choices: [staging, production], default: staging}
    - {name: host, type: string, pattern: "[a-z0-9.-]+", confirm: true, help: The worker to drain.}
    - {name: note, type: string, pattern: "[A-Za-z0-9 ._-]{0,80}", required: false}
  steps:
    - id: drain
      interpreter: [bash, -euo, pipefail]
      script: {name: drain.sh, text: "echo draining"}
      timeout: 5m
    - id: restart
      title: Start it again
      interpreter: [python3]
      script: |
        import os; print("restarting", os.environ["OPSAAS_PARAM_HOST"])
    - id: verify
      script: |
        #!/bin/sh
        echo fine
      timeout: 1h30m
"""

_SMALLEST: dict[str, Any] = {
    "apiVersion": "opsaas/v1",
    "kind": "Runbook",
    "metadata": {"project": "payments", "slug": "smallest", "title": "The smallest there is"},
    "spec": {"steps": [{"id": "main", "script": "#!/bin/sh\ntrue\n"}]},
}


def smallest() -> dict[str, Any]:
    return copy.deepcopy(_SMALLEST)


def with_field(pointer: str, value: object) -> dict[str, Any]:
    """The smallest definition, with one field set."""
    made = smallest()
    *way, last = pointer.lstrip("/").split("/")
    place: Any = made
    for token in way:
        place = place[int(token)] if isinstance(place, list) else place.setdefault(token, {})
    if isinstance(place, list):
        place.append(value)
    else:
        place[last] = value
    return made


def with_parameter(**fields: object) -> dict[str, Any]:
    return with_field("/spec/parameters", [fields])


def with_step(**fields: object) -> dict[str, Any]:
    """A step of a script with an interpreter; FIELDS replace its own, None drops one."""
    step = {"id": "main", "interpreter": ["sh"], "script": "true", **fields}
    return with_field("/spec/steps", [{name: value for name, value in step.items() if value is not None}])
