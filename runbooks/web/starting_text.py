"""What the editor holds when somebody begins a new runbook: valid as it stands, with every field explained."""

_TEXT = """\
# A runbook: a document that anyone can follow at 4 am, and the steps that do the work.
# Everything after a "#" is for you; it is not kept.
apiVersion: opsaas/v1
kind: Runbook
metadata:
  project: PROJECT
  slug: my-runbook                 # its name in addresses: lower-case letters, digits, hyphens; never used again
  title: Say what it does in one line
  tags: [disk]                     # words to find it by
  alerts: []                       # alerts that it answers, named exactly as the alert manager sends them
doc: |
  ## Meaning
  What has happened when somebody needs this.

  ## Impact
  Who notices, and how much it hurts.

  ## Diagnosis
  How to tell that this is the right runbook.

  ## Verify
  How to see afterwards that it worked.

  ## Undo
  How to go back.
spec:
  risk: low                        # low | medium | high: high asks for a reason before it runs
  parameters:                      # what the form asks; types: string, text, integer, number, boolean, choice
    - name: path                   # scripts read it as OPSAAS_PARAM_PATH
      type: string
      pattern: "/[A-Za-z0-9._/-]*" # the whole value has to match
      default: /var
      help: The folder to look at.
    - name: deep
      type: boolean
      default: false
  steps:                           # run in order; the first that fails ends the run
    - id: look
      title: Show what fills the disk
      interpreter: [bash, -euo, pipefail]   # any command; the script's path comes last, or where {script} stands
      timeout: 2m
      script: |
        # Values arrive as environment variables, never as text inside the script.
        depth=1
        [ "$OPSAAS_PARAM_DEEP" = true ] && depth=3
        du -xh --max-depth="$depth" "$OPSAAS_PARAM_PATH" | sort -rh | sed -n 1,20p
        echo "looked=$OPSAAS_PARAM_PATH" >> "$OPSAAS_OUTPUT_FILE"   # an output: name=value
"""


def starting_text(*, project: str) -> str:
    return _TEXT.replace("PROJECT", project)
