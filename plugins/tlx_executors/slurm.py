"""An array of Slurm jobs by submitit, one job a group, on nodes that share the folder of results."""

import importlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tlx import ResultError, SettingError
from tlx.executors import (
    CannotRun,
    Executor,
    Job,
    ProcessDied,
    Result,
    Runner,
    give_up,
    hear,
    joint_hash,
    options_for,
    order,
    refuse_memory,
)
from tlx_executors.desk import times
from tlx_executors.places import THREADS

ARRAY = 1000  # jobs of one array: what Slurm takes unless an administrator says otherwise
TRIES = 2
POLL = 2.0  # seconds between looks at what the jobs tell
LOOK = 15.0  # seconds between looks at Slurm's queue
SETTLE = 30.0  # seconds for a file of a node to be seen here, after its job has left the queue
PATIENCE = 20.0  # seconds for a worker to end by itself
AFTER_TERM = 120.0  # seconds for Slurm to say what becomes of a job that it has sent SIGTERM
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slurm(Executor):
    """An array of Slurm jobs, one job a group of runs, on nodes that share the folder of results.

    `jobs` is how many run at once, 0 for all. A job asks for `gpus`, `cpus`, `mem_gb` (0: the cluster's default),
    `timeout_min`, `partition`, `account`, `qos` and `constraint`; `sbatch` has any other option of sbatch by name.
    `overrides` changes these by task and strategy, {"dann": {"timeout_min": 240}}, as those of a `tlx.Suite`.

    A job that is preempted or runs out of time is queued again, at most `requeues` times, and goes on from its last
    round. One that dies is tried twice; after that its runs are failed ones, and say why. Jobs stay when this process
    ends, and the next one with the same runs follows them. Logs are in `slurm/` beside the results. `cluster` "local"
    is submitit's own: processes here, to try it without Slurm.

    Raises:
        SettingError: a number below 0, or a time limit below 1.
    """

    jobs: int = 0
    gpus: int = 0
    cpus: int = 1
    mem_gb: float = 0.0
    timeout_min: int = 60
    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    requeues: int = 10
    sbatch: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    cluster: Literal["slurm", "local"] = "slurm"

    def __post_init__(self):
        least = {"jobs": 0, "gpus": 0, "cpus": 1, "mem_gb": 0, "timeout_min": 1, "requeues": 0}
        for key, low in least.items():
            if getattr(self, key) < low:
                raise SettingError(f"Executor 'slurm': {key} is {getattr(self, key)}; expected {low} or more.")

    def map(self, run: Runner, groups: Sequence[Sequence[Job]]) -> Iterator[Result]:
        """Yields the results of groups as the jobs tell them; hooks are called here."""
        assert run.store
        refuse_memory(run, groups)
        submit = Submit(self, run.store.folder.absolute() / "slurm")
        ahead = [Sent(run, group, submit) for group in groups]
        queue = Queue(self.cluster)
        try:
            submit([sent for sent in ahead if not sent.follow(queue)])
            while ahead:
                for sent in list(ahead):
                    if (results := sent.results(queue)) is not None:
                        ahead.remove(sent)
                        yield from results
                if ahead:
                    time.sleep(POLL)
        finally:
            left = [sent.job for sent in ahead if sent.job]
            if self.cluster == "local":
                submit.end(left)
            elif left:
                log.warning(
                    "Slurm's jobs go on without this process. To end them: scancel %s. To see how far they are: "
                    "tlx status %s. The same command as before follows them.",
                    " ".join(sorted({job.job_id.partition("_")[0] for job in left})),
                    run.store.folder,
                )


class Group:
    """What a job does: it starts a worker on an order, of so many threads as it has cores.

    submitit pickles this: the name of a class, a path and a number.
    """

    def __init__(self, path: str, cpus: int):
        self.path, self.cpus = path, cpus

    def __call__(self) -> None:
        environ = {**os.environ, **dict.fromkeys(THREADS, str(self.cpus))}
        self.worker = subprocess.Popen([sys.executable, "-m", "tlx.executors.by_file", self.path], env=environ)
        while (code := self.worker.poll()) is None:  # `wait` would hold a lock that `checkpoint`, in a signal, needs
            time.sleep(0.5)
        if code in (130, -signal.SIGTERM):  # it too is sent SIGTERM, before what says whether the job is queued again
            time.sleep(AFTER_TERM)
        if code:
            raise RuntimeError(f"the worker ended with exit code {code}")

    def checkpoint(self) -> Any:
        """What submitit queues again where Slurm is about to end the job: the same, once the claims are released.

        A worker in the middle of a long round is killed: who comes next goes on from the round before.
        """
        self.worker.terminate()
        try:
            self.worker.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.worker.kill()
        return importlib.import_module("submitit.helpers").DelayedSubmission(Group(self.path, self.cpus))


class Submit:
    """Sends groups to Slurm, by submitit: an array for those that ask for the same."""

    def __init__(self, options: Slurm, folder: Path):
        self.options, self.folder, self.jobs = options, folder, []
        try:
            self.submitit: Any = importlib.import_module("submitit")
        except ImportError:
            raise SettingError("Executor 'slurm' needs submitit; expected: pip install 'tlx[slurm]'.") from None
        if options.cluster == "slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
            raise SettingError(
                "There is no Slurm here: no command sbatch or srun; expected a node that submits jobs, or another "
                "executor: tlx list executors."
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResultError(f"{folder} cannot be made: {error}.") from error

    def __call__(self, sent: Sequence["Sent"]) -> None:
        """Raises SettingError where Slurm refuses what the groups ask for, ResultError where the disk is full."""
        alike: dict[str, list[Sent]] = {}
        for each in sent:
            alike.setdefault(json.dumps(self._parameters(each.group[0]), sort_keys=True), []).append(each)
        try:
            for text, same in alike.items():
                for start in range(0, len(same), ARRAY):
                    self._array(json.loads(text), same[start : start + ARRAY])
        except OSError as error:
            raise ResultError(f"{self.folder} cannot hold what the jobs are to do: {error}.") from error

    def end(self, left: Sequence[Any]) -> None:
        """Ends the jobs that are processes of this machine: at once those that are left over."""
        for job in left:
            job.cancel()
        while not all(job.done() for job in self.jobs):
            time.sleep(0.1)

    def _array(self, parameters: dict[str, Any], sent: Sequence["Sent"]) -> None:
        name = self.options.cluster
        limit = {f"{name}_max_num_timeout": self.options.requeues}
        try:
            executor = self.submitit.AutoExecutor(self.folder, cluster=name, **limit)
            executor.update_parameters(**parameters, slurm_array_parallelism=self.options.jobs or len(sent))
            for each in sent:
                each.write()
            jobs = executor.submit_array([Group(str(each.path), parameters["cpus_per_task"]) for each in sent])
        except RuntimeError as error:
            asked = ", ".join(f"{key} {value}" for key, value in parameters.items())
            raise SettingError(f"Slurm refuses jobs of {asked}: {' '.join(str(error).split())}") from None
        self.jobs += jobs
        for each, job in zip(sent, jobs, strict=True):
            each.sent_as(job)
        log.info("%d jobs are Slurm's: %s", len(jobs), jobs[0].job_id.partition("_")[0])

    def _parameters(self, job: Job) -> dict[str, Any]:
        """What submitit is to ask for; what is not said is left out."""
        asked: Slurm = options_for(self.options, job)
        every = {
            "name": "tlx",
            "stderr_to_stdout": True,
            "timeout_min": asked.timeout_min,
            "cpus_per_task": asked.cpus,
            "gpus_per_node": asked.gpus,
            "mem_gb": asked.mem_gb,
            "slurm_partition": asked.partition,
            "slurm_account": asked.account,
            "slurm_qos": asked.qos,
            "slurm_constraint": asked.constraint,
            "slurm_additional_parameters": asked.sbatch,
            "slurm_srun_args": [f"--cpus-per-task={asked.cpus}"],  # since Slurm 22.05 srun has not those of sbatch
        }
        return {key: value for key, value in every.items() if value}


class Queue:
    """Which jobs Slurm has, asked now and then."""

    def __init__(self, cluster: str):
        self.cluster, self.asked, self.jobs = cluster, -LOOK, frozenset[str]()

    def has(self, job: Any, since: float = 0.0) -> bool:
        """Whether a job, submitted at `since` or before, waits or runs; True where Slurm does not answer."""
        if self.cluster == "local":
            return not job.done()
        if self.asked <= since or time.monotonic() - self.asked >= LOOK:
            self.asked, self.jobs = time.monotonic(), self._ask()
        return not self.jobs or job.job_id in self.jobs

    def _ask(self) -> frozenset[str]:
        done = subprocess.run(
            ["squeue", "--me", "--array", "--noheader", "--format=%i"], capture_output=True, text=True
        )
        if done.returncode:
            log.warning("Slurm does not say which jobs there are: %s", done.stderr.strip())
            return frozenset()
        return frozenset([*done.stdout.split(), "none"])  # not empty, as it answered


class Sent:
    """A group that is sent: its order and what its job tells are files in the folder."""

    def __init__(self, run: Runner, group: Sequence[Job], submit: Submit):
        self.run, self.group, self.submit = run, group, submit
        self.path = submit.folder / f"{joint_hash(job.spec for job in group)[:12]}.json"
        self.told, self.noted = self.path.with_suffix(".told"), self.path.with_suffix(".job")
        asked = order(run, group)
        asked["run"]["filling"] = "wait"  # for a job of before on a node that died
        self.text = json.dumps(asked)
        self.job: Any = None
        self.tries, self.at, self.read, self.why, self.left = 0, 0.0, 0, "", 0.0

    def follow(self, queue: Queue) -> bool:
        """Whether a job of an earlier process does the same, and is followed."""
        if queue.cluster == "local" or not self.noted.exists() or self.path.read_text() != self.text:
            return False
        job = self.submit.submitit.SlurmJob(self.path.parent, self.noted.read_text())
        if queue.has(job):
            self.job, self.tries = job, 1
        return self.job is not None

    def write(self) -> None:
        """Writes the order."""
        self.told.unlink(missing_ok=True)
        self.path.write_text(self.text)
        self.read, self.why, self.left = 0, "", 0.0

    def sent_as(self, job: Any) -> None:
        """Notes the job."""
        self.job, self.tries, self.at = job, self.tries + 1, time.monotonic()
        self.noted.write_text(job.job_id)

    def results(self, queue: Queue) -> list[Result] | None:
        """The results, where there are any by now; a job that died is sent again, or given up."""
        try:
            if (results := self._listen()) is not None:
                return results
        except CannotRun as error:
            self.why = f"cannot run it: {error}"
        except ResultError as error:
            raise ResultError(f"Slurm's job {self.job.job_id}: {error} Its log is {self.job.paths.stdout}.") from None
        if not self._is_gone(queue):
            return None
        if self.tries < TRIES:
            log.warning("%s: Slurm's job %s %s: sent again", self.group[0].spec.label, self.job.job_id, self._why())
            self.submit([self])
            return None
        why = f"tried {times(self.tries)}: its Slurm job {self.job.job_id} {self._why()}; its log is "
        return give_up(self.run, self.group, ProcessDied(f"{why}{self.job.paths.stdout}"))

    def _listen(self) -> list[Result] | None:
        """Passes on what the job has told since; the results where it has told them."""
        if not self.told.exists():
            return None
        with self.told.open("rb") as file:
            file.seek(self.read)
            for line in file:
                if not line.endswith(b"\n"):  # half of one
                    break
                self.read += len(line)
                found = hear(json.loads(line), self.group, lambda hook, given: getattr(self.run.hooks, hook)(**given))
                if found is not None:
                    return found
        return None

    def _is_gone(self, queue: Queue) -> bool:
        """Whether the job has left the queue, and all that it told is read."""
        if queue.has(self.job, self.at):
            self.left = 0.0
            return False
        self.left = self.left or time.monotonic()
        return bool(self.why) or time.monotonic() - self.left > SETTLE

    def _why(self) -> str:
        told = self.told.exists() or bool(self.why)
        unseen = (
            f", and wrote nothing into {self.path.parent}: expected a folder, a Python and a tlx that all nodes see"
        )
        return (self.why or f"ended{self._state()}") + ("" if told else unseen)

    def _state(self) -> str:
        if self.submit.options.cluster == "local":
            return ""
        done = subprocess.run(
            ["scontrol", "show", "job", self.job.job_id, "--oneliner"], capture_output=True, text=True
        )
        facts = dict(word.split("=", 1) for word in done.stdout.split() if "=" in word)
        return f" as {facts['JobState']} (exit code {facts['ExitCode']})" if "JobState" in facts else ""
