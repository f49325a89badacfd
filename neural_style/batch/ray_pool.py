"""Workers on a Ray cluster: one actor for each GPU, or for a group of CPU threads."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import ModuleType
from typing import Any, NamedTuple

import torch

from neural_style.batch.jobs import Job, Outcome, Worker
from neural_style.batch.pool import Line, Styles
from neural_style.devices import use_large_pages
from neural_style.errors import SettingsError
from neural_style.messages import Message
from neural_style.plan.memory import free_bytes

_CPUS_EACH = 4
"""CPUs of a worker without a GPU, where the number of workers is not given."""

_ATTEMPTS = 3
"""Workers that a job may lose before it counts as failed: it may be what kills them."""

_LOST_IN_A_ROW = 10
"""Workers lost one after another, without an outcome between, before the batch gives up."""

_MEMORY_SHARE = 0.8
"""Share of the free memory of a machine that its workers get, together."""


class RayWorker:
    """The actor: a `Worker` with a number of threads."""

    def __init__(self, threads: int, workers: int):
        """Sets up the process.

        Args:
            threads: CPU threads of this worker.
            workers: Workers on this machine, which share its memory.
        """
        use_large_pages()
        memory = 0.0
        if workers > 1 and not torch.cuda.is_available():
            memory = _MEMORY_SHARE * free_bytes(torch.device("cpu")) / workers / 1e9
        self._worker = Worker(threads, memory)

    def is_ready(self) -> bool:
        """True, once the actor has started."""
        return True

    def run(self, job: Job) -> Outcome:
        """Does a job."""
        return job.run(self._worker)


class _Actor(NamedTuple):
    """An actor's handle, and the styles that it has seen."""

    handle: Any
    seen: Styles


@contextmanager
def ray_cluster(address: str) -> Iterator[ModuleType]:
    """The `ray` module, connected to a cluster; disconnected at the end.

    Meanwhile what is written to `sys.stdout` goes to standard error: Ray's words about lost
    workers must not be among the lines of `ForPrograms`.

    Args:
        address: As in `ray.init`: host and port, "auto", or "local" for one on this machine.

    Raises:
        SettingsError: Ray is not installed, or the cluster cannot be reached.
    """
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise SettingsError("batch.no_ray") from error
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SettingsError("batch.no_cluster", address=address, reason=str(error)) from error
    try:
        with redirect_stdout(sys.stderr):
            yield ray
    finally:
        ray.shutdown()


class RayPool:
    """Actors on the cluster. A job whose actor dies is done again by another."""

    def __init__(self, ray: ModuleType, workers: int = 0, threads: int = 0):
        """Plans the actors; they start with `run`.

        Args:
            ray: The module, connected.
            workers: Number of actors; 0 for one for each GPU, or for each four CPUs.
            threads: CPU threads of each; 0 for an equal share of the CPUs.
        """
        self._ray = ray
        found = ray.cluster_resources()
        gpus, cpus = int(found.get("GPU", 0)), max(1, int(found.get("CPU", 1)))
        sizes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        smallest = min(filter(None, sizes), default=1)
        self.workers = workers or gpus or max(1, cpus // _CPUS_EACH)
        self.threads = threads or max(1, min(smallest, cpus // self.workers))
        gpu_share = min(1.0, gpus / self.workers)
        here = -(-self.workers // max(1, len(sizes)))
        # A thread that waits must not spin on a core of another worker: two workers on two cores
        # were a third as fast.
        environment = {"OMP_WAIT_POLICY": "passive", "NUMBA_NUM_THREADS": str(self.threads)}
        self._actor = ray.remote(
            num_cpus=self.threads,
            num_gpus=gpu_share,
            runtime_env={"env_vars": environment},
        )(RayWorker)
        self._arguments = self.threads, here

    def run(self, line: Line) -> Iterator[Outcome]:
        """Does the jobs on all actors."""
        losses = _Losses(max(_LOST_IN_A_ROW, 2 * self.workers))
        starting = dict(self._start() for _ in range(self.workers))
        running: dict[Any, tuple[_Actor, Job]] = {}
        idle: list[_Actor] = []
        while running or line:
            while idle and line:
                actor = idle.pop()
                job = line.take(actor.seen, [other.seen for other, _ in running.values()])
                running[actor.handle.run.remote(job)] = actor, job
            [done], _ = self._ray.wait([*starting, *running], num_returns=1)
            actor, job = running.pop(done, None) or (starting.pop(done), None)
            try:
                outcome = self._ray.get(done)
            except self._ray.exceptions.RayActorError as error:
                self._ray.kill(actor.handle)
                outcome = losses.add(job, error)
                if job is not None and outcome is None:
                    line.put_back(job)
                starting.update([self._start()])
            else:
                idle.append(actor)
                losses.in_a_row = 0 if job is not None else losses.in_a_row
            if job is not None and outcome is not None:
                yield outcome

    def _start(self) -> tuple[Any, _Actor]:
        """A new actor, and a reference that is ready when it is."""
        handle = self._actor.remote(*self._arguments)
        return handle.is_ready.remote(), _Actor(handle, Styles())


class _Losses:
    """Counts the actors that are lost.

    Attributes:
        in_a_row: Actors lost since the last outcome.
    """

    def __init__(self, most: int):
        self.in_a_row = 0
        self._most = most
        self._attempts: Counter[str] = Counter()

    def add(self, job: Job | None, error: Exception) -> Outcome | None:
        """Counts an actor that was lost, while it started or with that job.

        Returns:
            The job's outcome if it has cost too many actors, else None.

        Raises:
            SettingsError: Too many were lost in a row.
        """
        self.in_a_row += 1
        if self.in_a_row > self._most:
            raise SettingsError("batch.no_worker", reason=str(error)) from error
        if job is None:
            return None
        self._attempts[job.name] += 1
        if self._attempts[job.name] < _ATTEMPTS:
            return None
        return Outcome(job.name, Message("batch.workers_lost", count=_ATTEMPTS), 0.0)
