"""The studio's own certificate authority: made once, renewed in time, useless outside the house."""

import json
import logging
import socket
import ssl
import stat
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from needs import needs_openssl

from tutti.engine.errors import CertificateError
from tutti.studio.cli import main
from tutti.studio.relay.addresses import lan_addresses, local_names
from tutti.studio.relay.certificates import LEAF_DAYS, authority_der, ensure_certificate, renew_authority

NAMES = ("localhost", "studio", "studio.local", "127.0.0.1", "192.168.0.17")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def handshake(folder: Path, name: str) -> str:
    """Serve with the folder's certificate, connect trusting its authority alone; the TLS version."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "studio.pem", folder / "studio-key.pem")
    client = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    near, far = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(far, server_side=True) as connection:
                connection.recv(1)
        except ssl.SSLError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(near, server_hostname=name) as connection:
            return str(connection.version())
    finally:
        near.close()
        thread.join(10)


def test_browsers_that_trust_the_authority_trust_every_name_of_the_machine(tmp_path: Path) -> None:
    made = ensure_certificate(tmp_path, NAMES)
    assert made.names == NAMES
    for name in NAMES:
        assert handshake(tmp_path, name).startswith("TLSv1.")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, "192.168.0.18")
    assert made.expires - datetime.now(UTC) <= timedelta(days=398)
    assert made.authority_expires - datetime.now(UTC) > timedelta(days=4 * 365)


def test_keys_are_for_their_owner_alone_and_nothing_changes_without_need(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    first = ensure_certificate(folder, NAMES, NOW)
    for name in ("authority-key.pem", "studio-key.pem"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = ensure_certificate(folder, NAMES[:3], NOW + timedelta(days=300))
    assert (again.fingerprint, again.expires) == (first.fingerprint, first.expires)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_renewed_for_a_new_address_and_before_the_end_under_the_same_authority(tmp_path: Path) -> None:
    first = ensure_certificate(tmp_path, NAMES, NOW)
    moved = ensure_certificate(tmp_path, (*NAMES, "10.1.2.3"), NOW)
    assert moved.fingerprint == first.fingerprint
    assert handshake(tmp_path, "10.1.2.3")
    late = ensure_certificate(tmp_path, NAMES, NOW + timedelta(days=LEAF_DAYS - 20))
    assert late.fingerprint == first.fingerprint
    assert late.expires > moved.expires + timedelta(days=300)


def test_an_authority_that_would_end_before_its_certificates_is_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = ensure_certificate(tmp_path, NAMES, NOW)
    with caplog.at_level(logging.WARNING):
        second = ensure_certificate(tmp_path, NAMES, NOW + timedelta(days=4 * 365))
    assert second.fingerprint != first.fingerprint
    assert "devices must trust it anew" in caplog.text


@pytest.mark.parametrize("name", ["authority.pem", "authority-key.pem", "studio.pem", "studio-key.pem"])
@pytest.mark.parametrize("damage", ["cut", "gone", "another"])
def test_what_is_broken_is_made_anew_and_a_line_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    here, other = tmp_path / "here", tmp_path / "other"
    ensure_certificate(here, NAMES)
    ensure_certificate(other, NAMES)
    match damage:
        case "cut":
            (here / name).write_bytes((here / name).read_bytes()[:100])
        case "gone":
            (here / name).unlink()
        case "another":
            (here / name).write_bytes((other / name).read_bytes())
    with caplog.at_level(logging.WARNING):
        ensure_certificate(here, NAMES)
    assert len(caplog.messages) in (1, 2) and all("\n" not in line for line in caplog.messages)
    assert handshake(here, "192.168.0.17")


def test_an_address_that_the_authority_does_not_cover_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ensure_certificate(tmp_path, NAMES)
    made = ensure_certificate(tmp_path, (*NAMES, "8.8.8.8"))
    assert "8.8.8.8" not in made.names
    assert "no HTTPS at 8.8.8.8" in caplog.text
    assert "8.8.8.8" in ensure_certificate(tmp_path / "new", (*NAMES, "8.8.8.8")).names


@needs_openssl
def test_a_stolen_authority_cannot_pass_for_another_site(tmp_path: Path) -> None:
    """Signed by it, but for a name outside its constraints: refused by OpenSSL as by browsers."""
    ensure_certificate(tmp_path, NAMES)
    run = {"check": True, "capture_output": True, "cwd": tmp_path}
    (tmp_path / "san").write_text("subjectAltName=DNS:bank.example\n")
    subprocess.run(
        ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", "-out", "csr", "-subj", "/CN=x"], **run
    )
    subprocess.run(
        ["openssl", "x509", "-req", "-in", "csr", "-CA", "authority.pem", "-CAkey", "authority-key.pem",
         "-CAcreateserial", "-extfile", "san", "-out", "evil.pem", "-days", "3"],
        **run,
    )  # fmt: skip
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", "authority.pem"]
    good = subprocess.run([*verify, "studio.pem"], capture_output=True, text=True, cwd=tmp_path)
    assert good.returncode == 0, good.stderr
    evil = subprocess.run([*verify, "evil.pem"], capture_output=True, text=True, cwd=tmp_path)
    assert evil.returncode != 0 and "permitted subtree violation" in evil.stdout + evil.stderr


def test_a_folder_that_cannot_be_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CertificateError, match="cannot be kept there") as caught:
        ensure_certificate(tmp_path / "file" / "certificates", NAMES)
    assert "\n" not in str(caught.value)


def test_a_new_authority_on_request(tmp_path: Path) -> None:
    first = ensure_certificate(tmp_path)
    second = renew_authority(tmp_path)
    assert first.fingerprint != second.fingerprint
    assert second.names == local_names()
    der = x509.load_der_x509_certificate(authority_der(second.authority))
    assert der.subject.rfc4514_string().startswith("O=Tutti")


def test_addresses_are_those_of_others_in_the_house() -> None:
    assert all(not address.startswith("127.") for address in lan_addresses())
    assert {"localhost", "127.0.0.1"} < set(local_names())


def test_the_command_shows_exports_and_fails_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tutti.studio.relay.certificates.certificate_folder", lambda: tmp_path / "kept")
    monkeypatch.setattr("sys.argv", ["tutti", "certificate", "--json", "--export", str(tmp_path / "a.crt")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    shown = json.loads(capsys.readouterr().out)
    exported = x509.load_der_x509_certificate((tmp_path / "a.crt").read_bytes())
    assert exported.fingerprint(SHA256()).hex(":").upper() == shown["fingerprint_sha256"]
    monkeypatch.setattr("sys.argv", ["tutti", "certificate", "--export", str(tmp_path / "no" / "a.crt")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    complaint = capsys.readouterr().err
    assert "cannot be written" in complaint and complaint.count("\n") == 1
    assert "PRIVATE" not in complaint + (tmp_path / "kept" / "studio.pem").read_text()
