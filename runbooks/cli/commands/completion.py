"""Completion of commands by the shell."""

from enum import StrEnum
from typing import Annotated

import typer

from runbooks.cli.output import emit

app = typer.Typer()


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


# What the shell asks the command for; Typer answers whoever sets _OPSAAS_COMPLETE.
_SCRIPTS = {
    Shell.BASH: r"""
_opsaas_completion() {
    local IFS=$'\n'
    COMPREPLY=( $(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _OPSAAS_COMPLETE=complete_bash "$1") )
}
complete -o default -F _opsaas_completion opsaas
""",
    Shell.ZSH: r"""
_opsaas_completion() {
    eval "$(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _OPSAAS_COMPLETE=complete_zsh opsaas)"
}
compdef _opsaas_completion opsaas
""",
    Shell.FISH: r"""
function __opsaas_completion
    env _OPSAAS_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=$argv[1] \
        _TYPER_COMPLETE_ARGS=(commandline -cp) opsaas
end
complete --command opsaas --no-files --arguments "(__opsaas_completion get-args)" \
    --condition "__opsaas_completion is-args"
""",
}


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(help="The shell you use.")]) -> None:
    """Print a script that completes commands in your shell.

    For bash, put eval "$(opsaas completion bash)" into ~/.bashrc; for zsh the same into ~/.zshrc, after compinit; for
    fish: opsaas completion fish > ~/.config/fish/completions/opsaas.fish
    """
    emit(_SCRIPTS[shell].strip())
