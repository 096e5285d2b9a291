"""How decoding ends when the file, the child, the decoding process or the service goes wrong."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ingest.encoded import BARE_MP3, amplitude_at, encode, tone, write
from tunekin.errors import DecoderLimitError, DependencyError, InputError, SettingsError, UndecodableAudioError
from tunekin_ingest.adapters import sandboxed_decoder
from tunekin_ingest.adapters.decoding_protocol import LENGTH_BYTES, Request
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder
from tunekin_ingest.audio import DecodeLimits, Pcm

WAIT_S = 30.0


@pytest.fixture(scope="module")
def hour():
    """An hour of sound, which takes seconds to decode."""
    data = encode(tone(duration_s=10.0), container="mp3", codec="libmp3lame", bit_rate=32_000, options=BARE_MP3)
    return data * 360


@pytest.fixture
def patient():
    """A decoder whose limits no test reaches."""
    with SandboxedDecoder(DecodeLimits(max_duration_s=10_000.0)) as running:
        yield running


def eventually(condition):
    """Wait until something holds; return what it is."""
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        found = condition()
        if found:
            return found
        time.sleep(0.002)
    raise AssertionError("waited in vain")


def field(pid, name):
    """A line of what the kernel says of a process; none once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def children_of(pid):
    """Processes that a process has started."""
    found = (int(status.parent.name) for status in Path("/proc").glob("[0-9]*/status"))
    return [child for child in found if field(child, "PPid") == str(pid)]


def is_gone(pid):
    return field(pid, "State").startswith(("Z", "X")) or not field(pid, "State")


def caught_child(server_pid):
    """The process that decodes, once it is jailed; stopped, so that it stays."""

    def jailed():
        return next((pid for pid in children_of(server_pid) if field(pid, "Seccomp:") == "2"), None)

    pid = eventually(jailed)
    os.kill(pid, signal.SIGSTOP)
    return pid


class Decoding:
    """A decode in a thread."""

    def __init__(self, decoder, data):
        self.outcome = None
        self._thread = threading.Thread(target=self._run, args=(decoder, data))
        self._thread.start()

    def _run(self, decoder, data):
        try:
            self.outcome = decoder.decode(data)
        except Exception as error:  # noqa: BLE001
            self.outcome = error

    def end(self):
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        return self.outcome


def test_the_service_itself_loads_no_codec():
    code = "import sys, tunekin_ingest.adapters.sandboxed_decoder as m; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False, timeout=60).returncode == 0


def test_the_layers_of_the_jail_are_told(decoder):
    assert {"limits", "seccomp"} <= set(decoder.layers)


def test_the_process_that_decodes_has_given_everything_up(patient, hour):
    decoding = Decoding(patient, hour)
    child = caught_child(patient.server_pid)
    assert field(child, "NoNewPrivs") == "1"
    assert field(child, "Threads") == "1"
    assert set(field(child, "CapEff") + field(child, "CapPrm") + field(child, "CapAmb")) == {"0"}
    limits = Path(f"/proc/{child}/limits").read_text(encoding="ascii")
    for name in ("Max file size", "Max open files", "Max processes", "Max core file size"):
        assert next(line for line in limits.splitlines() if line.startswith(name)).split()[-3:-1] == ["0", "0"]
    assert len(list(Path(f"/proc/{child}/fd").iterdir())) == 5
    os.kill(child, signal.SIGKILL)
    decoding.end()


def test_the_decoding_process_sees_nothing_of_the_service_s_environment(monkeypatch):
    monkeypatch.setenv("TUNEKIN_PASSWORD", "made up")
    with SandboxedDecoder(DecodeLimits()) as running:
        environment = Path(f"/proc/{running.server_pid}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"made up" not in environment


def test_threads_decode_side_by_side_and_each_gets_its_own(decoder):
    pitches = [500.0 + 250.0 * index for index in range(12)]
    with ThreadPoolExecutor(6) as pool:
        sounds = list(pool.map(lambda hz: decoder.decode(write(tone(hz=hz))), pitches))
    for hz, pcm in zip(pitches, sounds, strict=True):
        assert amplitude_at(pcm.samples, hz=hz) == pytest.approx(0.5, rel=0.01)


def test_what_takes_too_much_processor_time_is_ended(hour):
    limits = DecodeLimits(max_duration_s=10_000.0, cpu_s=1)
    with (
        SandboxedDecoder(limits) as running,
        pytest.raises(DecoderLimitError, match="more than 1 s of processor time"),
    ):
        running.decode(hour)


def test_what_takes_too_long_is_ended(hour):
    limits = DecodeLimits(max_duration_s=10_000.0, wall_s=0.2)
    with SandboxedDecoder(limits) as running, pytest.raises(DecoderLimitError, match=r"more than 0\.2 s"):
        running.decode(hour)


def test_what_takes_too_much_memory_is_ended():
    limits = DecodeLimits(memory_bytes=2**20)
    with SandboxedDecoder(limits) as running, pytest.raises(DecoderLimitError, match="1,048,576 bytes of memory"):
        running.decode(write(tone(channels=12, duration_s=5.0)))


@pytest.mark.parametrize(
    ("number", "error", "words"),
    [
        (signal.SIGSEGV, UndecodableAudioError, "its decoder crashed"),
        (signal.SIGABRT, UndecodableAudioError, "its decoder crashed"),
        (signal.SIGKILL, DecoderLimitError, "was killed"),
    ],
)
def test_a_child_that_dies_is_that_file_s_failure_only(patient, hour, number, error, words):
    decoding = Decoding(patient, hour)
    server = patient.server_pid
    child = caught_child(server)
    os.kill(child, number)
    os.kill(child, signal.SIGCONT)
    outcome = decoding.end()
    assert isinstance(outcome, error)
    assert words in outcome.message
    assert patient.decode(write(tone())).duration_s == 2.0
    assert patient.server_pid == server


def test_after_the_decoding_process_was_killed_there_is_another(patient):
    first = patient.server_pid
    os.kill(first, signal.SIGKILL)
    assert patient.decode(write(tone())).duration_s == 2.0
    assert patient.server_pid != first


def test_a_decode_whose_decoding_process_dies_is_tried_again(patient, monkeypatch):
    first = patient.server_pid
    os.kill(first, signal.SIGSTOP)
    sent = threading.Event()
    send = sandboxed_decoder._Server.send

    def send_and_tell(server, *request):
        send(server, *request)
        sent.set()

    monkeypatch.setattr(sandboxed_decoder._Server, "send", send_and_tell)
    decoding = Decoding(patient, write(tone()))
    # The request waits in the socket of a process that will never read it.
    assert sent.wait(WAIT_S)
    os.kill(first, signal.SIGKILL)
    assert decoding.end().duration_s == 2.0


def test_a_decoding_process_that_hangs_is_replaced(monkeypatch):
    monkeypatch.setattr(sandboxed_decoder, "_GRACE_S", 0.3)
    with SandboxedDecoder(DecodeLimits(wall_s=10.0)) as running:
        data = write(tone())
        running.decode(data)
        first = running.server_pid
        monkeypatch.setattr(running, "_limits", DecodeLimits(wall_s=0.3))
        os.kill(first, signal.SIGSTOP)
        assert running.decode(data).duration_s == 2.0
        assert is_gone(first)


def test_a_file_over_which_the_decoding_process_dies_twice_fails(patient, monkeypatch):
    def die(server, *_):
        os.kill(server.pid, signal.SIGKILL)
        raise sandboxed_decoder._ServerGoneError

    monkeypatch.setattr(sandboxed_decoder._Server, "send", die)
    with pytest.raises(DecoderLimitError, match="died 2 times over this wav file"):
        patient.decode(write(tone()))


def test_a_decoding_process_that_cannot_start_is_a_dependency_that_is_down(monkeypatch, capfd):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DependencyError, match="ended at its start with status 1"), SandboxedDecoder(DecodeLimits()):
        pass


def test_no_room_for_a_process_is_a_dependency_that_is_down(decoder):
    ending = json.dumps({"how": "unborn", "number": 11}).encode()
    error = decoder._explained(ending, Request(container="wav", start_s=None, duration_s=None))
    assert isinstance(error, DependencyError)
    assert "Resource temporarily unavailable" in error.message


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not JSON",
        b"[]",
        b'{"type": "problem", "code": "audio.silent"}',
        b'{"type": "problem", "code": "dependency.unavailable", "message": "", "hint": ""}',
        b'{"type": "problem", "code": "internal", "message": "", "hint": ""}',
        b'{"type": "problem", "code": "audio.silent", "message": "%s", "hint": ""}' % (b"x" * 2_000),
        json.dumps({"type": "sound", "pcm_bytes": 10**12}).encode(),
    ],
)
def test_nonsense_from_a_decoder_that_was_taken_over_is_refused(decoder, answer):
    with pytest.raises(UndecodableAudioError, match="answered nonsense"):
        received(decoder, len(answer).to_bytes(LENGTH_BYTES, "big") + answer)


@pytest.mark.parametrize(
    "change",
    [
        {"pcm_bytes": -2},
        {"pcm_bytes": 3},
        {"pcm_bytes": 2 * 22_050 * 61},
        {"codec": "x" * 100},
        {"channels": 0},
        {"sample_rate_hz": 10**12},
        {"duration_s": -1.0},
        {"tags": {"title": "x" * 300}},
        {"tags": {str(index): "" for index in range(100)}},
        {"tags": {"lyrics": 1}},
    ],
)
def test_a_sound_out_of_bounds_is_refused(decoder, change):
    sound = {
        "type": "sound",
        "pcm_bytes": 4,
        "codec": "pcm_s16le",
        "channels": 1,
        "sample_rate_hz": 22_050,
        "duration_s": 1.0,
        "tags": {},
    }
    head = json.dumps(sound).encode()
    pcm = received(decoder, len(head).to_bytes(LENGTH_BYTES, "big") + head + b"\1\0\2\0")
    assert pcm.samples.tolist() == [1, 2]
    head = json.dumps(sound | change).encode()
    with pytest.raises(UndecodableAudioError, match="answered nonsense"):
        received(decoder, len(head).to_bytes(LENGTH_BYTES, "big") + head + b"\1\0\2\0")


def test_an_answer_that_announces_gigabytes_is_not_waited_for(decoder):
    with pytest.raises(UndecodableAudioError, match="answered nonsense"):
        received(decoder, b"\xff\xff\xff\xff")


def received(decoder, answer) -> Pcm:
    """What the service makes of a decoder's answer."""
    with sandboxed_decoder._Pipe() as pipe:
        os.write(pipe.writing, answer)
        pipe.close_writing()
        return decoder._received(
            pipe, Request(container="wav", start_s=None, duration_s=None), time.monotonic() + WAIT_S
        )


def test_leaving_ends_the_decoding_process_and_what_it_does(hour):
    with SandboxedDecoder(DecodeLimits(max_duration_s=10_000.0)) as running:
        server = running.server_pid
        decoding = Decoding(running, hour)
        child = caught_child(server)
    eventually(lambda: is_gone(server) and is_gone(child))
    assert isinstance(decoding.end(), RuntimeError)
    with pytest.raises(RuntimeError, match="closed"):
        running.decode(hour)


PARENT = """
import sys, threading
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder
from tunekin_ingest.audio import DecodeLimits
running = SandboxedDecoder(DecodeLimits(max_duration_s=10_000.0)).__enter__()
data = sys.stdin.buffer.read()
threading.Thread(target=running.decode, args=(data,)).start()
print(running.server_pid, flush=True)
"""


def test_when_the_service_is_killed_nothing_is_left_behind(hour):
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as service:
        service.stdin.write(hour)
        service.stdin.close()
        server = int(service.stdout.readline())
        child = caught_child(server)
        service.kill()
    eventually(lambda: is_gone(server) and is_gone(child))


def test_the_child_that_waits_dies_with_the_decoding_process_too(patient):
    (waiting,) = eventually(lambda: children_of(patient.server_pid))
    os.kill(patient.server_pid, signal.SIGKILL)
    eventually(lambda: is_gone(waiting))


def test_a_child_that_dies_while_it_waits_is_replaced(patient):
    (waiting,) = eventually(lambda: children_of(patient.server_pid))
    os.kill(waiting, signal.SIGKILL)
    eventually(lambda: not children_of(patient.server_pid))
    assert patient.decode(write(tone())).duration_s == 2.0
    assert eventually(lambda: children_of(patient.server_pid)) != [waiting]


def test_no_descriptor_is_lost(patient):
    data, rounds = write(tone()), 10

    def counts():
        """Of both sides, while a child waits in the decoding process: it says hello before it has one."""
        eventually(lambda: children_of(patient.server_pid))
        return [descriptors(pid) for pid in ("self", patient.server_pid)]

    before = counts()
    for _ in range(rounds):
        patient.decode(data)
        with pytest.raises(UndecodableAudioError):
            patient.decode(b"fLaC" + bytes(100))
    # One lost a round is a loss. Fewer may come or go with a child that is about to end, or with what earlier tests
    # have left to the garbage collector.
    eventually(lambda: all(after < count + rounds / 2 for after, count in zip(counts(), before, strict=True)))


def descriptors(pid):
    """Count a process's open descriptors, but for the one that this look takes."""
    return sum(path.is_symlink() for path in Path(f"/proc/{pid}/fd").iterdir())


@pytest.fixture(scope="module")
def seeds():
    """Small files to damage, one a container."""
    y = tone(duration_s=1.2)
    return [
        encode(y, container="mp3", codec="libmp3lame"),
        encode(y, container="adts", codec="aac"),
        encode(y, container="mp4", codec="aac"),
        encode(y, container="matroska", codec="flac"),
        encode(y, container="flac", codec="flac"),
        encode(tone(duration_s=1.2, rate_hz=48_000), container="ogg", codec="libopus", rate_hz=48_000),
        encode(y, container="wv", codec="wavpack"),
        encode(y, container="tta", codec="tta"),
        write(tone(duration_s=1.2, rate_hz=8_000), rate_hz=8_000),
        write(tone(duration_s=1.2, rate_hz=8_000), container="AIFF", rate_hz=8_000),
        write(tone(duration_s=1.2, rate_hz=8_000), container="CAF", rate_hz=8_000),
    ]


@settings(max_examples=150)
@given(
    which=st.integers(0, 10),
    end=st.floats(0.0, 1.0),
    changes=st.lists(st.tuples(st.floats(0.0, 1.0), st.binary(min_size=1, max_size=8)), max_size=12),
)
def test_a_damaged_file_gives_sound_or_a_clear_error_and_nothing_else(decoder, seeds, which, end, changes):
    data = bytearray(seeds[which])
    for place, patch in changes:
        # Mostly near the start, where the headers are.
        at = int(place**4 * (len(data) - 1))
        data[at : at + len(patch)] = patch
    del data[max(int(end * 2 * len(data)), 1) :]
    outcome(decoder, bytes(data))


@settings(max_examples=60)
@given(
    signature=st.sampled_from(
        [
            b"fLaC",
            b"OggS\0\2",
            b"RIFF\0\1\0\0WAVEfmt ",
            b"\0\0\0\x20ftypM4A ",
            b"\x1a\x45\xdf\xa3",
            b"ID3\4\0\0",
            b"wvpk",
            b"caff",
        ]
    ),
    rest=st.binary(max_size=3_000),
)
def test_random_bytes_behind_a_signature_give_a_clear_error(decoder, signature, rest):
    outcome(decoder, signature + rest)


def outcome(decoder, data):
    """Decode; nothing else than sound or an error of the tree may come of it."""
    try:
        pcm = decoder.decode(data)
    except InputError as error:
        assert error.message  # noqa: PT017
    else:
        assert pcm.samples.dtype == np.int16
        assert 1.0 <= pcm.duration_s <= 60.0


@pytest.mark.parametrize(
    "limits",
    [{"max_bytes": 0}, {"wall_s": -1.0}, {"cpu_s": float("nan")}, {"min_duration_s": 10.0, "max_duration_s": 5.0}],
)
def test_impossible_limits_are_refused_by_name(limits):
    with pytest.raises(SettingsError, match=next(iter(limits))):
        DecodeLimits(**limits)
