"""`ansible -m raw` over the same machines, as somebody would call it who cares: keys pinned, connections kept."""

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runbooks.domain.ports import Target
from tests.bench.showing import cpu_seconds_of

MISSING = "ansible is not here: nothing to compare with (Debian: apt install ansible-core)"


class Ansible:
    """In a folder of its own; nothing of the user's configuration counts."""

    def __init__(self, program: str, folder: Path, targets: Sequence[Target], forks: int) -> None:
        self._folder, self._count = folder, len(targets)
        self._known, self._key, self._inventory = folder / "known", folder / "key", folder / "inventory"
        self._known.write_text("".join(f"[{one.host}]:{one.port} {key}\n" for one in targets for key in one.host_keys))
        self._key.write_text(targets[0].private_key)
        self._key.chmod(0o600)
        (folder / "ansible.cfg").touch()
        self._inventory.write_text("".join(self._line(one) for one in targets))
        self._command = [program, "all", "-i", str(self._inventory), "-m", "raw", "-a", "echo hello"]
        self._command += ["-o", "-f", str(forks)]
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
        }

    def once(self) -> None:
        done = subprocess.run(self._command, env=self._environment, capture_output=True, text=True, check=False)
        good = done.stdout.count("| CHANGED |")
        assert good == self._count, f"{good} of {self._count}: {done.stdout[-600:]}{done.stderr[-600:]}"

    def used(self) -> float:
        """CPU seconds so far: of ansible and its children, and of the ssh processes that keep connections."""
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime + sum(cpu_seconds_of(pid) for pid in self.keepers())

    def keepers(self) -> list[int]:
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._keeps(pid)]

    def _keeps(self, pid: int) -> bool:
        try:
            return str(self._folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != os.getpid()
        except OSError:
            return False

    def _line(self, target: Target) -> str:
        """Without ssh's own files: neither its configuration nor its known hosts."""
        options = f"-F none -o IdentitiesOnly=yes -o UserKnownHostsFile={self._known}"
        reached = f"ansible_host={target.host} ansible_port={target.port} ansible_user={target.user}"
        return f"{target.name} {reached} ansible_ssh_private_key_file={self._key} ansible_ssh_common_args='{options}'\n"


@contextmanager
def ansible(targets: Sequence[Target], *, forks: int) -> Iterator[Ansible | None]:
    """None where it is not installed, which is said."""
    program = shutil.which("ansible")
    if program is None:
        print(MISSING)
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="opsaas-a-") as folder:
        one = Ansible(program, Path(folder), targets, forks)
        try:
            yield one
        finally:
            for pid in one.keepers():
                os.kill(pid, 15)
