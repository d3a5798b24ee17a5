import pytest

from runbooks.domain.machines.nodes import clean_host_key, clean_node
from runbooks.domain.problems import Invalid
from tests.keys import KEY


def test_a_name_is_enough() -> None:
    spec = clean_node({"name": "web1.example.org"})
    assert (spec.host, spec.port, spec.user, spec.tags) == ("web1.example.org", 22, "opsaas", ())


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": "-oProxyCommand=x"}, "/name"),
        ({"host": "-x"}, "/host"),
        ({"host": "a b"}, "/host"),
        ({"port": 0}, "/port"),
        ({"port": True}, "/port"),
        ({"port": "22"}, "/port"),
        ({"user": "root; rm"}, "/user"),
        ({"tags": "web"}, "/tags"),
        ({"tags": ["ok", "not ok"]}, "/tags/1"),
        ({"attributes": {"a b": "c"}}, "/attributes/a b"),
        ({"attributes": {"n": 1}}, "/attributes/n"),
        ({"attributes": {"n": "\0"}}, "/attributes/n"),
        ({"zone": "Z"}, "/zone"),
        ({"jump": "../x"}, "/jump"),
        ({"host_keys": ["ssh-ed25519 short"]}, "/host_keys/0"),
        ({"hosts": "web1"}, "/hosts"),
        ({"name": None}, "/name"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(fields: dict[str, object], pointer: str) -> None:
    with pytest.raises(Invalid) as refusal:
        clean_node({"name": "web1", **fields}, pointer="/nodes/3")
    assert f"/nodes/3{pointer}" in [problem.pointer for problem in refusal.value.problems]


def test_a_host_key_is_found_in_a_line_of_known_hosts() -> None:
    assert clean_host_key(f"[web1]:2222,10.0.0.1 {KEY} root@web1\n") == KEY


@pytest.mark.parametrize("text", ["", "ssh-ed25519 AAAA", KEY.replace("ssh-ed25519", "ssh-rsa")])
def test_what_is_no_host_key_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        clean_host_key(text)


@pytest.mark.parametrize("marker", ["@revoked", "@cert-authority"])
def test_a_key_that_known_hosts_marks_as_no_machines_own_is_not_pinned(marker: str) -> None:
    with pytest.raises(Invalid):
        clean_host_key(f"{marker} web1 {KEY}")
