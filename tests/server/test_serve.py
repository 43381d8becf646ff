"""Starting and stopping a hub."""

import json
import signal
import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.hubs import Hub, running
from tests.server.command import invoke
from tests.server.serving import refused, serving
from wriftai_server.database.opening import FILE_NAME

CATALOGUE = '[[hardware]]\nidentifier = "tpu"\nname = "TPU"\ncpus = 1\nram_gb = 1\n'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_all_settings_can_come_from_the_environment(tmp_path: Path) -> None:
    catalogue = tmp_path / "hardware.toml"
    catalogue.write_text(CATALOGUE)
    port = free_port()
    with serving(
        tmp_path,
        WRIFTAI_HOST="localhost",
        WRIFTAI_PORT=str(port),
        WRIFTAI_PUBLIC_URL="https://hub.example.org",
        WRIFTAI_HARDWARE=str(catalogue),
        WRIFTAI_RATE_LIMIT="7",
        WRIFTAI_TRUSTED_PROXIES="192.0.2.1,127.0.0.1",
        WRIFTAI_LOG_LEVEL="warning",
    ) as served:
        assert served.address == f"http://localhost:{port}"
        assert str(tmp_path / "data") in served.announced
        reply = httpx.get(f"http://127.0.0.1:{port}/v1/hardware?page_size=1")
        assert reply.json()["next_url"].startswith("https://hub.example.org/v1/hardware?page_size=1&cursor=")
        assert reply.headers["x-ratelimit-limit"] == "7"
        offered = httpx.get(f"http://127.0.0.1:{port}/v1/hardware").json()["items"]
        assert {hardware["identifier"] for hardware in offered} == {"cpu", "tpu"}
        for caller in ("192.0.2.7", "192.0.2.8"):
            reply = httpx.get(f"http://127.0.0.1:{port}/v1/users", headers={"X-Forwarded-For": caller})
            assert reply.headers["x-ratelimit-remaining"] == "6"
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(60) == 0
    assert served.log.read_text() == ""


@pytest.mark.parametrize("processes", [1, 2])
def test_a_hub_that_is_told_to_stop_finishes_what_is_under_way(tmp_path: Path, processes: int) -> None:
    with serving(tmp_path, "--workers", str(processes)) as served:
        token = invoke("users", "create", "ada", data_dir=tmp_path / "data").stdout.strip()
        body = b'{"name": "last", "hardware_identifier": "cpu"}'
        head = f"POST /v1/models HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n"
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as caller:
            caller.sendall(f"{head}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
            assert caller.recv(1000).startswith(b"HTTP/1.1 100 ")  # The hub waits for the body now.
            served.process.terminate()
            wait_until_closed(served.port)
            caller.sendall(body)
            answer = b"".join(iter(lambda: caller.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert b'"name":"last"' in answer
        assert served.process.wait(60) == 0
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    events = sorted(line["event"] for line in lines if line["event"] != "indexed")  # That may come too late.
    assert events == ["listening", "request", *["stopped"] * processes]
    assert [line["status"] for line in lines if line["event"] == "request"] == [201]
    with closing(sqlite3.connect(tmp_path / "data" / FILE_NAME)) as connection:
        assert connection.execute("SELECT name FROM models").fetchall() == [("last",)]
    # The write-ahead log is written into the file, which may be copied now.
    assert not list((tmp_path / "data").glob("*-wal"))


def test_a_proxy_is_not_believed_unless_it_is_trusted(shared_hub: Hub) -> None:
    invoke("users", "create", "proxied", data_dir=shared_hub.data_dir)
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Host": "evil.example"}
    user = httpx.get(f"{shared_hub.url}/users/proxied", headers=headers).json()
    assert user["avatar_url"].startswith(f"{shared_hub.address}/avatars/")


def wait_until_closed(port: int) -> None:
    """Wait until nobody listens on a port any more."""
    for _ in range(1000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"Someone still listens on port {port}.")


def test_what_keeps_a_hub_from_coming_up_is_said_in_a_sentence(tmp_path: Path, shared_hub: Hub) -> None:
    port = shared_hub.address.rpartition(":")[2]
    catalogue = tmp_path / "hardware.toml"
    catalogue.write_text("[[hardware]]\nidentifier = 5\n")
    folders = [tmp_path / name for name in ("taken", "malformed")]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor() as both:
        taken = both.submit(refused, folders[0], "--port", port)
        malformed = both.submit(refused, folders[1], "--hardware", str(catalogue))
    # Each of several processes would have to say the same.
    assert refused(folders[1], "--hardware", str(catalogue), "--workers", "2") == malformed.result()
    assert taken.result().startswith(f"Error: Cannot listen on 127.0.0.1 port {port}: Address already in use")
    assert taken.result().endswith("Choose another with --host and --port.\n")
    assert malformed.result().startswith(f"Error: {catalogue} is not a catalogue of hardware: Expected `str`")
    assert not any((folder / "data").exists() for folder in folders)


def test_a_hub_that_cannot_begin_says_so_by_its_status(tmp_path: Path) -> None:
    invoke("users", "create", "ada", data_dir=tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "data" / FILE_NAME)) as connection:
        connection.execute(
            "CREATE TRIGGER doom BEFORE INSERT ON hardware BEGIN SELECT RAISE(ABORT, 'struck by doom'); END"
        )
    with serving(tmp_path) as served:
        assert served.process.wait(60) > 0
        assert served.announced == ""
    assert '"listening"' not in served.log.read_text()
    assert "struck by doom" in served.log.read_text()


@pytest.mark.parametrize("host", ["\udcff", "a" * 64 + ".example.org", "a..b"])
def test_a_host_that_is_none_is_said_in_a_sentence(tmp_path: Path, host: str) -> None:
    said = refused(tmp_path, "--host", host)
    assert said.startswith("Error: Cannot listen on ")
    assert said.endswith("Choose another with --host and --port.\n")
    assert "Traceback" not in said


@pytest.mark.parametrize("days", ["0.001", "36500"])
def test_a_hub_works_with_the_most_and_the_least_that_it_takes(tmp_path: Path, days: str) -> None:
    most = {
        "idle_seconds": "31536000",
        "setup_seconds": "31536000",
        "prediction_seconds": "31536000",
        "lease_seconds": "86400",
        "grace_seconds": "31536000",
        "max_output_bytes": str(2**29),
        "max_file_bytes": str(2**50),
        "memory_mb": str(2**30),
        "disk_mb": str(2**30),
        "max_processes": str(2**22),
        "retention_days": days,
    }
    with serving(tmp_path, **{f"WRIFTAI_{name.upper()}": value for name, value in most.items()}) as served:
        assert served.address
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(60) == 0
    assert not [line for line in served.log.read_text().splitlines() if json.loads(line)["level"] == "error"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--port", "65536"),
        ("--port", "-1"),
        ("--port", "http"),
        ("--rate-limit", "-1"),
        ("--log-level", "loud"),
        ("--workers", "0"),
        ("--public-url", "hub.example.org"),
        ("--public-url", "ftp://hub.example.org"),
        ("--public-url", "http://"),
        ("--public-url", "http://:80"),
        ("--public-url", "http://hub.example.org:99999"),
        ("--public-url", "http://[::1"),
        ("--public-url", "http://hub.example.org/?a=b"),
        ("--public-url", "http://hub.example.org\n"),
        ("--public-url", "http://h\u00fcb.example.org"),
        ("--public-url", "http://\udcff"),
        ("--rate-limit", str(10**20)),
        ("--max-blob-bytes", str(10**20)),
        ("--max-input-bytes", str(10**9)),
        ("--idle-seconds", "1e300"),
        ("--setup-seconds", "inf"),
        ("--prediction-seconds", "nan"),
        ("--lease-seconds", "1e12"),
        ("--grace-seconds", "1e300"),
        ("--max-output-bytes", str(10**9)),
        ("--max-file-bytes", str(10**20)),
        ("--memory-mb", str(10**20)),
        ("--disk-mb", str(10**20)),
        ("--max-processes", str(10**20)),
        ("--retention-days", "1e300"),
        ("--retention-days", "1000000"),
        ("--colour", "red"),
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, option: str, value: str) -> None:
    outcome = invoke("serve", option, value, data_dir=tmp_path / "data")
    assert (outcome.status, outcome.stdout) == (2, "")
    assert option in outcome.stderr
    assert not (tmp_path / "data").exists()


def test_websockets_are_not_spoken_whatever_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "websockets.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"))
    with running(tmp_path / "data") as hub:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert httpx.get(f"{hub.url}/hardware", headers=upgrade).status_code == 200
