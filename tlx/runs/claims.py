"""Claims of runs in a folder that processes of one host or of many fill: who is at which run.

A claim is a hidden file `.NAME.N.claim` that one process alone can create; it says who that is, and its time is touched
while the run lasts. A claim is dead where its process is known to be gone, or where its file has not been touched for a
lease: by the clock of who looks, so that clocks may differ. N counts up from 0: the next number is for who takes over
from a dead one. Nothing dead is removed to make room, so two that find the same dead claim cannot both have it. Who
takes over writes down which claim was dead, so that nobody who knows less of its host has to wait for a lease again.
"""

import contextlib
import functools
import itertools
import json
import logging
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

LEASE = 120.0  # seconds without a touch, after which a claim is dead
BEATS = 8  # touches in a lease
POLL = 0.5  # seconds to the second look at a claim that is waited for; each pause is twice the one before
WATCHED = 4  # claims that one who waits for any looks at
LOOKS = 3  # of that one in a lease
JOBS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "HOSTNAME")  # where clusters and containers say what runs here
CLAIM = re.compile(r"\.(?P<name>.+)\.(?P<number>\d{1,9})\.claim")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Holder:
    """Who has a claim: a process, when that began as its system counts, the cluster's job, and since when."""

    host: str
    process: int
    born: str = ""
    job: str = ""
    since: str = ""
    token: str = field(default_factory=lambda: secrets.token_hex(4))  # no two claims are equal
    over: str = ""  # the token of the dead claim that this one was taken over from

    @property
    def gone(self) -> bool:
        """Whether it is known to be dead: a process of this host that is no more."""
        if self.host != this_host():
            return False
        return not alive(self.process) or bool(self.born and self.born != _born(self.process))


class Files:
    """The operations on files by which claims are made; a simulation brings others."""

    def names(self, folder: Path) -> list[str]:
        """The names in a folder."""
        return os.listdir(folder)

    def create(self, path: Path, content: bytes) -> bool:
        """Whether the file was created, in full, by this process."""
        whole = temporary(path)
        try:
            whole.write_bytes(content)
            try:
                os.link(whole, path)  # a link fails where the name is taken, also on network file systems
            except FileExistsError:
                return False
            except OSError:  # a file system without hard links
                try:
                    with open(path, "xb") as file:
                        file.write(content)
                except FileExistsError:
                    return False
        finally:
            self.remove(whole)
        return True

    def mark(self, path: Path) -> tuple[bytes, int] | None:
        """What a claim says and when it was last touched; None where there is none."""
        try:
            touched = path.stat().st_mtime_ns
            try:
                return path.read_bytes(), touched
            except PermissionError:  # another user's
                return b"", touched
        except FileNotFoundError:
            return None

    def touch(self, path: Path) -> None:
        """Sets the time of a file to now."""
        with contextlib.suppress(OSError):
            os.utime(path)

    def remove(self, path: Path) -> None:
        """Removes a file where it is there."""
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


class Claims:
    """The claims in a folder. `lease`, the clocks and the files are for tests."""

    def __init__(
        self,
        folder: Path,
        lease: float = LEASE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        holder: Callable[[], Holder] | None = None,
        files: Files | None = None,
    ):
        self.folder, self.lease, self.clock, self.sleep = folder, lease, clock, sleep
        self.holder, self.files = holder or _this_process, files or Files()
        self._seen: dict[Path, tuple[tuple[bytes, int], float]] = {}
        self._old: frozenset[str] | None = None  # runs that had a result when `ready` was first asked
        self._turn = 0

    @contextlib.contextmanager
    def hold(self, names: Iterable[str], wait: bool = False) -> Iterator[bool]:
        """Holds the claims of all names within a `with`, whose value is False where another process has one of them.

        With `wait` it waits until that one is done, or dead.

        Raises:
            OSError: no file can be created in the folder.
        """
        mine: list[Path] = []
        with contextlib.ExitStack() as held:
            held.enter_context(self._beating(mine))
            for name in sorted(set(names)):  # in one order: none waits for one that waits for it
                pauses = _pauses(self.lease / BEATS)
                while (path := self._take(name)) is None and wait:
                    self.sleep(next(pauses))
                if path is None:
                    held.close()
                    break
                mine.append(path)
                held.callback(self._release, name, path)
            else:
                yield True
                return
        yield False

    def ready(self, left: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """Those of the groups of names in `left` that can be held now; waits until there is one, and [] is none left.

        Groups whose results have all come since this was first asked, as files NAME.json, leave `left`. It lists the
        folder once, and while it waits it looks at few of the claims, each time at others: a thousand who wait would
        do nothing but list.
        """
        pauses = _pauses(self.lease / LOOKS)
        while True:
            claimed, done = self._list()
            left[:] = [group for group in left if not done.issuperset(group)]
            free = [group for group in left if claimed.keys().isdisjoint(group)]
            if free or not left:
                return free
            start, self._turn = self._turn % len(left), self._turn + WATCHED
            if dead := self._watch((left[start:] + left[:start])[:WATCHED], claimed, pauses):
                return dead

    def living(self) -> list[tuple[str, Holder, float]]:
        """The claims that are not known to be dead: name, holder, seconds since the last touch by this clock."""
        found = []
        for path in sorted(self.folder.glob(".*.claim")):
            if (match := CLAIM.fullmatch(path.name)) and (mark := self.files.mark(path)):
                holder = _holder(mark[0])
                if not holder.gone:
                    found.append((match["name"], holder, max(0.0, time.time() - mark[1] / 1e9)))
        return found

    def clean(self) -> None:
        """Removes the claims of processes of this host that are gone."""
        gone: dict[str, int] = {}
        for file in self.files.names(self.folder):
            match = CLAIM.fullmatch(file)
            if match and (mark := self.files.mark(self.folder / file)) and _holder(mark[0]).gone:
                gone[match["name"]] = max(gone.get(match["name"], 0), int(match["number"]))
        for name, last in gone.items():
            if path := self._take(name):
                self._release(name, path, last)

    def beat(self, paths: Sequence[Path]) -> None:
        """Touches claims."""
        for path in list(paths):
            self.files.touch(path)

    def _list(self) -> tuple[dict[str, Path], set[str]]:
        """The last claim of each run, and the runs whose results have come since this was first asked."""
        files = self.files.names(self.folder)
        results = {file[:-5] for file in files if file.endswith(".json")}
        numbers: dict[str, int] = {}
        for match in (CLAIM.fullmatch(file) for file in files if file.endswith(".claim")):
            if match:
                numbers[match["name"]] = max(numbers.get(match["name"], 0), int(match["number"]))
        self._old = frozenset(results) if self._old is None else self._old
        return {name: self._path(name, number) for name, number in numbers.items()}, results - self._old

    def _watch(
        self, groups: Sequence[tuple[str, ...]], claimed: dict[str, Path], pauses: Iterator[float]
    ) -> list[tuple[str, ...]]:
        """The groups whose claims are dead, as soon as there are any; [] when none is claimed, or after a lease."""
        watched = {group: [claimed[name] for name in group if name in claimed] for group in groups}
        until = self.clock() + 1.5 * self.lease
        while watched and self.clock() < until:
            self.sleep(next(pauses))
            dead = []
            for group, paths in list(watched.items()):
                marks = [self.files.mark(path) for path in paths]
                if None in marks:
                    del watched[group]
                elif all(mark and self._dead(path, mark) for path, mark in zip(paths, marks, strict=True)):
                    dead.append(group)
            if dead:
                return dead
        return []

    def _take(self, name: str) -> Path | None:
        """The claim, now this process's; None where another has it."""
        while True:
            dead: list[tuple[Path, bytes]] = []
            for number in itertools.count():
                path = self._path(name, number)
                mark = self.files.mark(path) if path in self._seen else None  # a look costs less than a try
                if mark is None and self.files.create(path, self._claim(dead)):
                    if all((mark := self.files.mark(before)) and mark[0] == content for before, content in dead):
                        if dead:
                            who = _holder(dead[-1][1])
                            log.info("%s: taken over from process %s on %s", name, who.process, who.host)
                        return path
                    self.files.remove(path)
                    break  # who had taken over has released all of them since: begin again
                if (mark := mark or self.files.mark(path)) is None:  # released since
                    break
                if not self._ended(name, number, mark):
                    return None
                dead.append((path, mark[0]))

    def _claim(self, dead: Sequence[tuple[Path, bytes]]) -> bytes:
        """What a claim of this process says that comes after these dead ones."""
        over = _holder(dead[-1][1]).token if dead else ""
        return json.dumps(asdict(replace(self.holder(), over=over))).encode()

    def _release(self, name: str, path: Path, last: int = 0) -> None:
        """Removes the claim and the dead ones around it, lowest first; who has taken it over removes it himself.

        `last` is the highest of those that are known to be dead: one that died in here may have left a gap.
        """
        last = max(last, int(path.suffixes[-2][1:]))
        while mark := self.files.mark(self._path(name, last + 1)):
            last += 1
            if not self._ended(name, last, mark):
                return
        for each in range(last + 1):
            self.files.remove(self._path(name, each))

    def _path(self, name: str, number: int) -> Path:
        return self.folder / f".{name}.{number}.claim"

    def _dead(self, path: Path, mark: tuple[bytes, int]) -> bool:
        if _holder(mark[0]).gone:
            return True
        before, since = self._seen.get(path, (None, 0.0))
        if before != mark:
            self._seen[path] = mark, self.clock()
            return False
        return self.clock() - since > self.lease

    def _ended(self, name: str, number: int, mark: tuple[bytes, int]) -> bool:
        """Whether a claim is dead, or the next one says of this very one that it was; the number alone does not say it.

        One that died before it saw that the claim below was released and taken anew has the number, and not the token.
        """
        if self._dead(self._path(name, number), mark):
            return True
        token, after = _holder(mark[0]).token, self.files.mark(self._path(name, number + 1))
        return bool(token and after and _holder(after[0]).over == token)

    @contextlib.contextmanager
    def _beating(self, paths: Sequence[Path]) -> Iterator[None]:
        stop = threading.Event()

        def beat() -> None:
            while not stop.wait(self.lease / BEATS):
                self.beat(paths)

        thread = threading.Thread(target=beat, name="claims", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@functools.cache
def this_host() -> str:
    """This host since it started, or container: where process numbers are the same processes."""
    space = boot = ""
    with contextlib.suppress(OSError):  # not Linux
        space = re.sub(r"\D", "", os.readlink("/proc/self/ns/pid"))
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]  # hosts may share a name
    return f"{re.sub(r'[^a-zA-Z0-9-]', '-', socket.gethostname())[:32]}-{space or 0}-{boot or 0}"


def alive(process: int) -> bool:
    """Whether a process of this host is there; True where that cannot be known."""
    if os.name != "posix":  # there signal 0 ends a process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _pauses(longest: float) -> Iterator[float]:
    """Seconds between looks."""
    return (min(POLL * 2 ** min(number, 10), longest) for number in itertools.count())


def temporary(path: Path) -> Path:
    """A hidden file beside, of a name that no other process takes, not even one of the same number elsewhere."""
    return path.with_name(f".{path.name}.{this_host()}.{os.getpid()}.{secrets.token_hex(4)}.tmp")


def _this_process() -> Holder:
    job = next((os.environ[name] for name in JOBS if os.environ.get(name)), "")
    return Holder(this_host(), os.getpid(), _born(os.getpid()), job, datetime.now(UTC).isoformat(timespec="seconds"))


def _born(process: int) -> str:
    """When a process of this host began, in ticks since its boot; "" where that cannot be known, or it is dead."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if words[0] in "ZX" else words[19]


@functools.lru_cache(4096)
def _holder(content: bytes) -> Holder:
    """Who has a claim; of a damaged one nobody that is known, so that it is dead after the lease."""
    try:
        holder = Holder(**json.loads(content))
        if type(holder.process) is int and 0 < holder.process < 2**31:
            return holder
    except (ValueError, TypeError, RecursionError):
        pass
    return Holder("unknown", 0, token="")
