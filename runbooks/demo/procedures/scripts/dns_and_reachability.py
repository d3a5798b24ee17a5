"""Whether a name resolves, and how quickly each of its addresses accepts a TCP connection."""

from __future__ import annotations

import os
import re
import socket
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

FINE, FINDING, UNKNOWN = 0, 1, 2
RED, YELLOW, GREEN, DIM, RESET = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True)
class Answer:
    address: str
    times: list[float]  # milliseconds, of the attempts that were accepted
    failures: list[str]

    @property
    def typical(self) -> float | None:
        return statistics.median(self.times) if self.times else None


def resolve(host: str, port: int) -> tuple[list[tuple[int, str]], float]:
    """Each family and address once, in the resolver's order, and the milliseconds that this took."""
    begin = time.monotonic()
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    took = (time.monotonic() - begin) * 1000
    return list(dict.fromkeys((int(family), str(where[0])) for family, _, _, _, where in found)), took


def knock(family: int, address: str, port: int, attempts: int, seconds: float) -> Answer:
    answer = Answer(address, [], [])
    for _ in range(attempts):
        begin = time.monotonic()
        try:
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(seconds)
                connection.connect((address, port))
            answer.times.append((time.monotonic() - begin) * 1000)
        except socket.timeout:
            answer.failures.append(f"no answer within {seconds:g} s")
        except OSError as error:
            answer.failures.append(error.strerror or str(error))
    return answer


def show_resolvers() -> None:
    try:
        lines = Path("/etc/resolv.conf").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        print(f"{DIM}/etc/resolv.conf cannot be read: {error.strerror}{RESET}")
        return
    servers = [words[1] for words in map(str.split, lines) if len(words) > 1 and words[0] == "nameserver"]
    print(f"{DIM}Name servers of this machine: {printable(', '.join(servers)) or 'none named'}{RESET}")


def show(answer: Answer, budget: float) -> str:
    """Prints the answer; returns its row for the summary."""
    if answer.typical is None:
        reasons = printable("; ".join(sorted(set(answer.failures))))
        print(f"{RED}{'no answer':<12}{RESET} {answer.address}: {reasons}")
        return f"| {answer.address} | no answer | {markdown(reasons)} |"
    slow = answer.typical > budget
    word, colour = ("slow", YELLOW) if slow or answer.failures else ("answers", GREEN)
    spread = f"median {answer.typical:.1f} ms, {min(answer.times):.1f} to {max(answer.times):.1f} ms"
    lost = f", {len(answer.failures)} of {len(answer.failures) + len(answer.times)} failed" if answer.failures else ""
    if lost and not slow:
        word = "unsteady"
    print(f"{colour}{word:<12}{RESET} {answer.address}: {spread}{lost}")
    return f"| {answer.address} | {word} | {spread}{lost} |"


def judge(answers: list[Answer], budget: float) -> tuple[int, str]:
    silent = [answer.address for answer in answers if answer.typical is None]
    slow = [answer.address for answer in answers if answer.typical is not None and answer.typical > budget]
    unsteady = [answer.address for answer in answers if answer.times and answer.failures]
    if len(silent) == len(answers):
        return FINDING, "No address of it accepts a connection."
    if unsteady:
        return FINDING, f"Some attempts failed at {', '.join(unsteady)}."
    if slow:
        return FINDING, f"Slower than {budget:g} ms: {', '.join(slow)}."
    if silent:
        print(f"::warning::No answer from {', '.join(silent)}: clients that try it first lose time.")
        return FINE, f"It can be reached, but not at {', '.join(silent)}."
    return FINE, "Every address of it answers in time."


def not_resolved(host: str, error: socket.gaierror) -> int:
    """A name that does not exist is a finding; a resolver that does not answer tells nothing about the name."""
    unknown = error.errno == socket.EAI_AGAIN
    sentence = f"{host} does not resolve: {error.strerror}."
    if unknown:
        sentence += " The name servers did not answer, so this says nothing about the name itself."
    print(f"::error::{sentence}")
    leave(f"**{'Could not tell' if unknown else 'Act'}:** {markdown(sentence)}", [], {"reachable": "unknown"})
    return UNKNOWN if unknown else FINDING


def printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", text)


def leave(headline: str, rows: list[str], outputs: dict[str, object]) -> None:
    write("OPSAAS_SUMMARY_FILE", "\n".join([headline, "", *rows, ""]))
    write("OPSAAS_OUTPUT_FILE", "".join(f"{name}={value}\n" for name, value in outputs.items()))


def write(variable: str, text: str) -> None:
    Path(os.environ.get(variable, os.devnull)).write_text(text, encoding="utf-8")


def main() -> int:
    host = os.environ["OPSAAS_PARAM_HOST"]
    port = int(os.environ["OPSAAS_PARAM_PORT"])
    attempts = int(os.environ["OPSAAS_PARAM_ATTEMPTS"])
    budget = float(os.environ["OPSAAS_PARAM_BUDGET_MS"])
    seconds = float(os.environ["OPSAAS_PARAM_TIMEOUT_SECONDS"])
    show_resolvers()
    try:
        addresses, took = resolve(host, port)
    except socket.gaierror as error:
        return not_resolved(host, error)
    except UnicodeError as error:  # such as an empty label, "a..b"
        return not_resolved(host, socket.gaierror(socket.EAI_NONAME, f"not a host name ({error})"))
    print(f"{host} resolves to {len(addresses)} address(es) in {took:.1f} ms\n")
    answers, rows = [], ["| address | verdict | connecting |", "|---|---|---|"]
    for index, (family, address) in enumerate(addresses):
        print(f"::progress::{100 * index // len(addresses)} trying {address}")
        answers.append(knock(family, address, port, attempts, seconds))
        rows.append(show(answers[-1], budget))
    code, sentence = judge(answers, budget)
    print(f"\n{sentence}" if code == FINE else f"::error::{host}:{port}: {sentence}")
    mark = "" if code == FINE else "**Act:** "
    best = min((answer.typical for answer in answers if answer.typical is not None), default=None)
    outputs: dict[str, object] = {"reachable": "no" if best is None else "yes", "resolve_ms": f"{took:.1f}"}
    if best is not None:
        outputs["connect_ms"] = f"{best:.3f}"
    leave(f"{mark}{markdown(host)} port {port}: {markdown(sentence)} Resolved in {took:.1f} ms.", rows, outputs)
    return code


if __name__ == "__main__":
    sys.exit(main())
