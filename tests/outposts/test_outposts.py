"""Places outside, each over its own real protocol, on this machine."""

import base64
import contextlib
import datetime
import hashlib
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from runbooks.audit.verifier import read_kept
from runbooks.domain.addresses import read_allowed
from runbooks.domain.outposts import NotKept, Outpost, Parcel
from runbooks.domain.signed_notes import checkpoint_body, new_signing_key, read_signing_key, signed
from runbooks.outgoing.http import CheckedHttp
from runbooks.outposts import s3
from runbooks.outposts.addresses import BadPlace, read_place
from runbooks.outposts.files import FileOutpost
from runbooks.outposts.opening import opened
from runbooks.outposts.syslog import SyslogOutpost
from tests.outgoing.receiver import receiving
from tests.outposts.bucket import Bucket, bucket

KEY = read_signing_key(new_signing_key("log.example.org/audit"))
AT = datetime.datetime(2026, 11, 21, 4, tzinfo=datetime.UTC)
NOTE = signed(checkpoint_body(origin=KEY.name, size=7, root=b"r" * 32), keys=[KEY], at=AT)
CHECKPOINT = Parcel("checkpoints/000000000000007", (json.dumps({"checkpoint": NOTE, "size": 7}),), note=NOTE)
EVENTS = Parcel("events/000000000000000-000000000000001", ('{"seq":0,"action":"a"}', '{"seq":1,"action":"ü"}'))


def outpost(text: str, *, allow: str = "") -> Outpost:
    return opened(read_place(text), outgoing=CheckedHttp(allowed=read_allowed(allow.split()), seconds=5))


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_added_to_and_the_verifier_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    for _ in range(2):
        outpost(f"file:{path}").keep(CHECKPOINT)
    assert [(one.size, one.origin, one.kept) for one in read_kept(path.read_text())] == [(7, KEY.name, True)] * 2
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotKept, match="No such file"):
        FileOutpost(tmp_path / "absent" / "kept.jsonl").keep(EVENTS)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotKept):
        FileOutpost(tmp_path / "link").keep(EVENTS)


def test_standard_output_gets_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    outpost("stdout:").keep(EVENTS)
    assert capsys.readouterr().out.splitlines() == list(EVENTS.lines)


# --- webhooks ---------------------------------------------------------------------------------------------------------


def test_a_webhook_gets_the_note_as_it_was_signed_and_events_as_lines() -> None:
    with receiving() as receiver:
        for parcel in (CHECKPOINT, EVENTS):
            outpost(receiver.url, allow=receiver.host).keep(parcel)
    note, events = receiver.got
    assert note.body.decode() == NOTE
    assert (note.headers["opsaas-parcel"], note.headers["content-type"]) == (
        CHECKPOINT.name,
        "text/plain; charset=utf-8",
    )
    assert [json.loads(line)["seq"] for line in events.body.decode().splitlines()] == [0, 1]


@pytest.mark.parametrize("status", [302, 403, 500])
def test_only_a_success_counts(status: int) -> None:
    with receiving() as receiver:
        receiver.answers = [(status, {"Location": "/elsewhere"}, b"no")]
        with pytest.raises(NotKept, match=str(status)):
            outpost(receiver.url, allow=receiver.host).keep(EVENTS)
    assert len(receiver.got) == 1


def test_a_webhook_at_a_private_address_is_not_called() -> None:
    with receiving() as receiver:
        with pytest.raises(NotKept):
            outpost(receiver.url).keep(EVENTS)
        assert receiver.got == []


# --- syslog -----------------------------------------------------------------------------------------------------------

MESSAGE = re.compile(r"<109>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) \S+ opsaas \d+ (audit\.\w+) - (.*)", re.DOTALL)


def read(message: bytes) -> tuple[str, dict[str, object]]:
    found = MESSAGE.fullmatch(message.decode())
    assert found, message
    return found[2], json.loads(found[3])


def counted(stream: bytes) -> Iterator[bytes]:
    """RFC 6587, 3.4.1."""
    while stream:
        length, _, stream = stream.partition(b" ")
        yield stream[: int(length)]
        stream = stream[int(length) :]


def test_syslog_over_udp_is_a_datagram_a_line_and_a_long_one_says_that_it_was_cut() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        there = outpost(f"syslog://127.0.0.1:{server.getsockname()[1]}")
        there.keep(EVENTS)
        there.keep(Parcel("x", (json.dumps({"seq": 2, "action": "b", "details": "x" * 9000}),)))
        there.keep(CHECKPOINT)
        got = [read(server.recv(65536)) for _ in range(4)]
    assert [name for name, _ in got] == ["audit.event"] * 3 + ["audit.checkpoint"]
    assert got[1][1]["action"] == "ü"
    assert (got[2][1]["seq"], "cut" in got[2][1], "details" in got[2][1]) == (2, True, False)


@contextlib.contextmanager
def taking(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, Callable[[], bytes]]]:
    """A server for one connection, and what it was sent."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            link, _ = server.accept()
            with (
                contextlib.suppress(OSError),
                link,
                context.wrap_socket(link, server_side=True) if context else link as one,
            ):
                while data := one.recv(65536):
                    got.append(data)

        thread = threading.Thread(target=take)
        thread.start()

        def all_of_it() -> bytes:
            thread.join(20)
            return b"".join(got)

        yield server.getsockname()[1], all_of_it
        thread.join(20)


def test_syslog_over_tcp_counts_octets() -> None:
    with taking() as (port, sent):
        outpost(f"syslog+tcp://127.0.0.1:{port}").keep(EVENTS)
        assert [read(one)[1]["seq"] for one in counted(sent())] == [0, 1]


def test_syslog_over_tls_trusts_only_who_it_should(tmp_path: Path) -> None:
    certificate, key = certificate_of_localhost(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    trust = ssl.create_default_context(cafile=str(certificate))
    with taking(context) as (port, sent):
        SyslogOutpost(host="localhost", port=port, kind="syslog+tls", trust=trust).keep(EVENTS)
        assert [read(one)[1]["seq"] for one in counted(sent())] == [0, 1]
    with taking(context) as (port, sent):
        with pytest.raises(NotKept):
            outpost(f"syslog+tls://localhost:{port}").keep(EVENTS)
        assert sent() == b""


def certificate_of_localhost(folder: Path) -> tuple[Path, Path]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(tz=datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(*form))
    return folder / "cert.pem", folder / "key.pem"


def test_a_syslog_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(NotKept, match="could not be reached"):
        outpost(f"syslog+tcp://127.0.0.1:{port}").keep(EVENTS)


# --- buckets ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-bucket")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with bucket() as found:
        yield found


def test_an_object_is_put_locked_checked_and_signed(store: Bucket) -> None:
    outpost(f"s3://kept/ops?endpoint={store.url}&region=eu-central-1&retain_days=30").keep(CHECKPOINT)
    path, headers, body = store.puts[0]
    assert path == "/kept/ops/checkpoints/000000000000007.txt"
    assert body.decode() == NOTE
    assert headers["x-amz-object-lock-mode"] == "COMPLIANCE"
    until = datetime.datetime.fromisoformat(headers["x-amz-object-lock-retain-until-date"])
    days = until - datetime.datetime.now(tz=datetime.UTC)
    assert datetime.timedelta(days=29) < days < datetime.timedelta(days=31)
    assert headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")


def test_a_bucket_without_lock_is_asked_for_in_so_many_words(store: Bucket) -> None:
    outpost(f"s3://kept?endpoint={store.url}&region=x&mode=none").keep(EVENTS)
    path, headers, _ = store.puts[0]
    assert path == f"/kept/{EVENTS.name}.jsonl"
    assert "x-amz-object-lock-mode" not in headers


def test_a_bucket_that_refuses_is_told_by_its_code_alone(store: Bucket) -> None:
    store.refusal = (403, "AccessDenied", "you sent secret-of-the-bucket")
    with pytest.raises(NotKept, match=r"did not take it: AccessDenied\.$"):
        outpost(f"s3://kept?endpoint={store.url}&region=x").keep(EVENTS)
    assert len(store.puts) == 1, "trying again is left to later"


def test_without_boto3_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "boto3", None)
    with pytest.raises(NotKept, match=r"install opsaas\[s3\]"):
        outpost("s3://kept").keep(EVENTS)


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/srv/kept",
        "ftp://host/x",
        "file:relative",
        "file:/folder/",
        "file://host/path",
        "https://user:hunter2@host/x",
        "https:///x",
        "syslog://",
        "syslog://host:99999",
        "s3://",
        "s3://kept?nonsense=1",
        "s3://kept?mode=forever",
        "s3://kept?retain_days=0",
        "s3://kept?retain_days=99999999",
        "https://[broken",
    ],
)
def test_what_names_no_place_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BadPlace) as caught:
        read_place(text)
    assert "hunter2" not in str(caught.value)


def test_the_name_of_a_place_tells_no_secret_of_its_address() -> None:
    one, other = (read_place(f"https://hooks.example.org/services/{secret}") for secret in ("T0P", "S3CRET"))
    assert one.name.startswith("https://hooks.example.org/… (")
    assert one.name != other.name
    assert "T0P" not in one.name + repr(one).replace("path='/services/T0P'", "")
    assert read_place("s3://kept/ops?region=x").name == "s3://kept/ops"
