import contextlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from tlx.runs.claims import LEASE, LOOKS, WATCHED, Claims, Holder, alive, this_host

HOLD = """
import sys, time
from pathlib import Path
from tlx.runs.claims import Claims
with Claims(Path(sys.argv[1])).hold(sys.argv[2:]) as mine:
    print(mine, flush=True)
    time.sleep(60)
"""


class Time:
    """A clock that sleeping moves; what has to happen meanwhile is called at every sleep."""

    def __init__(self):
        self.now, self.meanwhile = 0.0, lambda: None

    def sleep(self, seconds):
        self.now += max(seconds, LEASE / 10)
        self.meanwhile()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def claims_of(tmp_path, time):
    """The claims of a host in one folder, on a fake clock: `claims_of("far")`."""

    def claims_of(host=None):
        holder = (lambda: Holder(host, 7)) if host else None
        return Claims(tmp_path, clock=lambda: time.now, sleep=time.sleep, holder=holder)

    return claims_of


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def dead_process():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_claim_is_for_one(claims_of, tmp_path):
    with claims_of("far").hold(["x", "y"]) as mine, claims_of("near").hold(["y", "z"]) as other:
        assert mine and not other
        assert files(tmp_path) == [".x.0.claim", ".y.0.claim"], "a claim that fails leaves nothing"
        [(name, holder, _), _] = claims_of().living()
        assert (name, holder.host, holder.process) == ("x", "far", 7)
    assert files(tmp_path) == []


def test_who_waits_has_it_when_the_other_is_done(claims_of, time):
    other = contextlib.ExitStack()
    other.enter_context(claims_of("far").hold(["x"]))
    time.meanwhile = other.close
    with claims_of().hold(["x"], wait=True) as mine:
        assert mine and time.now < LEASE


def test_a_claim_that_is_not_touched_for_a_lease_is_taken_over(claims_of, time, tmp_path, caplog):
    """Of another host, of which nothing else is known; the clocks of both may differ, as its file's time shows."""
    caplog.set_level("INFO")
    dead = claims_of("far")
    assert dead._take("x")
    os.utime(tmp_path / ".x.0.claim", (0, 0))
    near, begun = claims_of("near"), time.now
    with near.hold(["x"], wait=True) as mine:
        assert mine and LEASE < time.now - begun < 1.3 * LEASE
        assert files(tmp_path) == [".x.0.claim", ".x.1.claim"] and "taken over from process 7 on far" in caplog.text
        with claims_of("third").hold(["x"]) as again:
            assert not again
    assert files(tmp_path) == []


def test_a_claim_that_is_touched_is_not_taken_over(claims_of, time, tmp_path):
    far = claims_of("far")
    path = far._take("x")
    beats = []

    def beat():
        beats.append(time.now)
        os.utime(path, (len(beats), len(beats)))
        if len(beats) == 30:
            far._release("x", path)

    time.meanwhile = beat
    with claims_of("near").hold(["x"], wait=True) as mine:
        assert mine and time.now > 2 * LEASE and files(tmp_path) == [".x.0.claim"]


def test_beats_touch_the_claims(claims_of, tmp_path):
    claims = claims_of()
    path = claims._take("x")
    os.utime(path, (0, 0))
    claims.beat([path, tmp_path / ".gone.0.claim"])
    assert path.stat().st_mtime > 1


def test_a_process_of_this_host_that_is_gone_has_no_claim(claims_of, dead_process, tmp_path, time):
    """At once; a later process of its number is another one."""
    gone = Holder(this_host(), dead_process)
    reused = Holder(this_host(), os.getpid(), born="1")
    for holder in (gone, reused):
        claims = claims_of()
        claims.holder = lambda holder=holder: holder
        claims._take("x")
    assert claims_of().living() == [] and files(tmp_path) == [".x.0.claim", ".x.1.claim"]
    with claims_of().hold(["x"]) as mine:
        assert mine and time.now == 0 and (tmp_path / ".x.2.claim").exists()
    assert files(tmp_path) == []


def test_clean_removes_the_claims_of_the_gone_alone(claims_of, dead_process, tmp_path):
    claims = claims_of()
    claims.holder = lambda: Holder(this_host(), dead_process)
    claims._take("dead")
    claims._take("gap")
    (tmp_path / ".gap.0.claim").rename(tmp_path / ".gap.2.claim")  # as one leaves it that died while it released
    claims_of("far")._take("far")
    claims_of().clean()
    assert files(tmp_path) == [".far.0.claim"]


@pytest.fixture
def dead_on(monkeypatch, claims_of):
    """A chain of claims, each taken over from the one before on another host; then this host is one of them."""

    def dead_on(*hosts, process):
        for host in hosts:
            monkeypatch.setattr("tlx.runs.claims.this_host", lambda: "elsewhere")
            claims = claims_of()
            claims.holder = lambda host=host: Holder(host, process)
            monkeypatch.setattr(claims, "_dead", lambda path, mark: True)  # the lease is over
            assert claims._take("x")

    return dead_on


def test_who_was_taken_over_from_is_dead_for_all(claims_of, dead_on, dead_process, monkeypatch, tmp_path, time):
    """The trap: of two dead claims of two hosts each host knew its own, so neither could remove them."""
    dead_on("far", "near", process=dead_process)
    assert files(tmp_path) == [".x.0.claim", ".x.1.claim"]
    for host, left in (("far", 2), ("near", 0)):
        monkeypatch.setattr("tlx.runs.claims.this_host", lambda host=host: host)
        claims_of(host).clean()
        assert len(files(tmp_path)) == left and time.now == 0


def test_a_number_above_is_not_enough_to_be_dead(claims_of, dead_process, monkeypatch, tmp_path):
    """One that dies before it sees that the claim below is another's by now leaves its own; the other is living."""
    monkeypatch.setattr("tlx.runs.claims.this_host", lambda: "near")
    living = claims_of("far")
    with living.hold(["x"]) as mine:
        stale = Holder("near", dead_process, over=Holder("far", 7).token)
        (tmp_path / ".x.1.claim").write_text(json.dumps(asdict(stale)))
        near = claims_of("near")
        near.clean()
        with near.hold(["x"]) as other:
            assert mine and not other


def test_of_many_that_find_a_dead_claim_one_has_it(claims_of, dead_process, tmp_path):
    claims = claims_of()
    claims.holder = lambda: Holder(this_host(), dead_process)
    claims._take("x")
    with contextlib.ExitStack() as held:
        got = [held.enter_context(claims_of(f"host{number}").hold(["x"])) for number in range(5)]
    assert got == [True] + [False] * 4 and files(tmp_path) == []


def test_who_took_over_and_was_released_meanwhile_does_not_share(claims_of, dead_process, tmp_path):
    """A sees a dead claim, B takes it over and releases it, C claims anew, and only then does A take over."""
    claims = claims_of()
    claims.holder = lambda: Holder(this_host(), dead_process)
    claims._take("x")
    slow, others = claims_of("slow"), contextlib.ExitStack()
    dead = slow._dead

    def late(path, mark):
        found = dead(path, mark)
        slow._dead = dead
        with claims_of("b").hold(["x"]) as mine:
            assert mine
        assert others.enter_context(claims_of("c").hold(["x"]))
        return found

    slow._dead = late
    with slow.hold(["x"]) as mine:
        assert not mine and files(tmp_path) == [".x.0.claim"]
    others.close()
    assert files(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[1]", b'{"host": "h", "process": -1}', b"[" * 100_000])
def test_a_damaged_claim_is_dead_after_the_lease(claims_of, time, tmp_path, content):
    (tmp_path / ".x.0.claim").write_bytes(content)
    claims = claims_of()
    with claims.hold(["x"]) as mine:
        assert not mine
    with claims.hold(["x"], wait=True) as mine:
        assert mine and time.now > LEASE
    assert files(tmp_path) == []


def test_without_hard_links_the_file_itself_is_created(claims_of, monkeypatch, tmp_path):
    def refuse(*_):
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    with claims_of().hold(["x"]) as mine, claims_of("far").hold(["x"]) as other:
        assert mine and not other and files(tmp_path) == [".x.0.claim"]


def test_a_claim_ends_with_its_process(claims_of, tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path), "x"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout and child.stdout.readline() == "True\n"
        with claims_of().hold(["x"]) as mine:
            assert not mine
        child.kill()
        # a zombie until it is waited for, and dead already
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert alive(child.pid)
        with claims_of().hold(["x"]) as mine:
            assert mine
    assert files(tmp_path) == []


def test_holders_of_one_process_differ():
    assert Holder("h", 1) != Holder("h", 1) and replace(Holder("h", 1), token="") == replace(Holder("h", 1), token="")


def group(*names):
    return [(name,) for name in names]


def test_ready_are_those_that_nobody_is_at_and_that_have_no_new_result(claims_of, tmp_path):
    (tmp_path / "old.json").touch()
    near, left = claims_of("near"), [("old",), ("held",), ("both", "held"), ("done",), ("free",)]
    with claims_of("far").hold(["held"]):
        assert near.ready(left) == group("old", "done", "free")
        (tmp_path / "done.json").touch()
        assert near.ready(left) == group("old", "free")
        assert left == [("old",), ("held",), ("both", "held"), ("free",)], "what has come is no longer left"
    assert claims_of().ready([]) == []


def test_who_waits_has_what_is_dead_after_the_lease_and_what_is_given_back(claims_of, time, tmp_path):
    for name in ("dead", "living", "back"):
        assert claims_of("far")._take(name)

    def meanwhile():
        os.utime(tmp_path / ".living.0.claim", (time.now, time.now))
        if time.now > LEASE / 2:
            (tmp_path / ".back.0.claim").unlink(missing_ok=True)

    time.meanwhile = meanwhile
    near = claims_of("near")
    assert near.ready(group("living", "dead")) == group("dead") and time.now > LEASE
    assert near.ready(group("back")) == group("back")


def test_of_many_who_wait_each_claim_is_looked_at_by_few(claims_of, time, tmp_path):
    """The trap: a thousand that are idle would do nothing but list and look."""
    names = [f"run{number}" for number in range(100)]
    for name in names:
        claims_of("far")._take(name)
    near, calls = claims_of("near"), []
    for call in ("names", "mark"):
        real = getattr(near.files, call)
        setattr(near.files, call, lambda path, real=real, call=call: calls.append(call) or real(path))
    time.meanwhile = lambda: [os.utime(path, (time.now, time.now)) for path in tmp_path.iterdir()] and None
    left = group(*names)

    def end():
        if time.now > 20 * LEASE:
            for name in names:
                (tmp_path / f"{name}.json").touch()
                (tmp_path / f".{name}.0.claim").unlink(missing_ok=True)

    beat = time.meanwhile
    time.meanwhile = lambda: (beat(), end())
    assert near.ready(left) == [] == left
    assert calls.count("names") < 20 and calls.count("mark") < 20 * 2 * WATCHED * (LOOKS + 1)


@pytest.mark.parametrize("hours", [-1, 1])
def test_clocks_may_differ_by_an_hour(tmp_path, hours):
    """Of who looks, and of the file system: a claim that is touched lives, another is dead after the lease."""
    ahead = Time()
    ahead.now = hours * 3600.0
    near = Claims(tmp_path, clock=lambda: ahead.now, sleep=ahead.sleep, holder=lambda: Holder("near", 1))
    path = Claims(tmp_path, holder=lambda: Holder("far", 7))._take("x")
    assert path
    begun = ahead.now
    os.utime(path, (1e9 + hours * 3600, 1e9 + hours * 3600))

    def beat():
        if ahead.now < begun + 3 * LEASE:
            os.utime(path, (1e9 + ahead.now, 1e9 + ahead.now))

    ahead.meanwhile = beat
    assert near.ready(group("x")) == group("x") and 3.9 * LEASE < ahead.now - begun < 5.5 * LEASE
