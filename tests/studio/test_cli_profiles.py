"""Profiles and calibration on the command line, with a sender in place of a person."""

import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
from pythonosc.udp_client import SimpleUDPClient


@pytest.fixture
def tutti(tmp_path):
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "tutti.studio", *words],
            capture_output=True,
            text=True,
            env=environment,
            timeout=100,
            check=False,
        )

    return run


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.timeout(170)
def test_a_person_is_calibrated_shown_and_forgotten(tutti):
    port, over = free_port(), threading.Event()

    def send():
        client = SimpleUDPClient("127.0.0.1", port)
        while not over.is_set():
            now_s = time.monotonic()
            with contextlib.suppress(ConnectionRefusedError):  # nobody listens yet
                client.send_message("/baton", [0.0, 100.0 + 30.0 * math.sin(6.0 * now_s), 0.0])
            time.sleep(1 / 60)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        done = tutti(
            "calibrate",
            "--profile",
            "anna",
            "--osc",
            str(port),
            "--seconds",
            "2",
            "--hand",
            "left",
            "--follow",
            "forgiving",
        )
    finally:
        over.set()
        sender.join()
    assert done.returncode == 0, done.stderr
    assert json.loads(tutti("profiles", "list", "--json").stdout) == ["anna"]
    shown = json.loads(tutti("profiles", "show", "anna", "--json").stdout)
    assert shown["hand"] == "left" and shown["follow"] == 1.0
    assert shown["spaces"]["osc"]["scale"] == pytest.approx(0.01, rel=0.1)
    assert "left hand; how the orchestra follows: forgiving" in tutti("profiles", "show", "anna").stdout
    assert tutti("profiles", "remove", "anna").returncode == 0
    assert json.loads(tutti("profiles", "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("profiles", "show", "nobody"), "no profile 'nobody'; there is none yet"),
        (("calibrate", "--profile", "anna"), "nothing to calibrate"),
        (("calibrate", "--profile", "../anna", "--hand", "left"), "use letters"),
        (("calibrate", "--profile", "anna", "--follow", "angry"), "--follow 'angry': say strict"),
        (("calibrate", "--profile", "anna", "--style", "strict"), "how the orchestra follows is --follow"),
    ],
)
def test_what_cannot_be_is_one_line(tutti, words, says):
    done = tutti(*words)
    assert done.returncode == 1
    assert done.stderr.startswith("tutti: ") and says in done.stderr and done.stderr.count("\n") == 1
