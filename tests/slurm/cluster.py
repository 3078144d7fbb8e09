"""A real Slurm for tests: its controller and several nodes, each with a pretend GPU, on the loopback of one machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

DAEMONS = ("munged", "slurmctld", "slurmd")
#: Where every Slurm command looks; jobs do not inherit the variable that could name another place.
CONFIGURATION = Path("/etc/slurm")
FILES = ("slurm.conf", "gres.conf")
FOLDER = "slurm-test-cluster"  # the name of the folder that they are linked to tells that they are no real cluster's
PATIENCE = 1200.0  # seconds after which what was waited for will not come
#: By this variable processes are known that belong to a cluster: its daemons, and the jobs of who submits with it.
MARK = "TEST_CLUSTER"

SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,batch_sched_delay=0
GresTypes=gpu
ReturnToService=2
SlurmdTimeout=10
KillWait=2
MinJobAge=86400
{nodes}
PartitionName=cpu Nodes=ALL Default=YES State=UP
PartitionName=gpu Nodes=ALL State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=8000 Gres=gpu:1"
GPU = "NodeName={name} Name=gpu File=/dev/null\n"


def why_not() -> str | None:
    """Why no cluster can be started here, or None."""
    missing = [daemon for daemon in DAEMONS if _path_of(daemon) is None]
    if missing:
        return f"{', '.join(missing)} not installed: apt-get install slurmctld slurmd slurm-client munge"
    if os.geteuid() != 0:
        return "only root can start a Slurm cluster"
    taken = [CONFIGURATION / name for name in FILES if os.path.lexists(CONFIGURATION / name)]
    foreign = [path for path in taken if not path.is_symlink() or path.readlink().parent.name != FOLDER]
    return f"{foreign[0]} belongs to a real cluster" if foreign else None


class Job(NamedTuple):
    """A job as `squeue` has it."""

    number: str
    state: str
    node: str
    partition: str
    comment: str


class Cluster(ExitStack):
    """A context manager that starts the daemons and ends them with all their jobs.

    Its files lie in a folder for temporary ones: below the folder of a test, which can lie deep, the names of Slurm's
    sockets would be longer than the 107 bytes that Linux takes, and no job would start. One cluster at a time runs on a
    machine: another one waits.
    """

    def __init__(self, *, nodes: int = 3) -> None:
        super().__init__()
        self._parent = tempfile.TemporaryDirectory()
        self.folder = Path(self._parent.name) / FOLDER
        self.nodes = [f"node{number}" for number in range(1, nodes + 1)]
        self.mark = {MARK: str(self.folder)}  # in the environment of a process that is to end with the cluster
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Cluster:
        with ExitStack() as started:
            started.callback(os.close, folder := os.open(CONFIGURATION, os.O_RDONLY))
            fcntl.flock(folder, fcntl.LOCK_EX)
            started.callback(self._parent.cleanup)
            _end_all_of("")  # what a killed test left behind
            self.folder.mkdir()
            for file, content in self._configuration().items():
                (self.folder / file).write_text(content)
                link = CONFIGURATION / file
                link.unlink(missing_ok=True)
                link.symlink_to(self.folder / file)
                started.callback(link.unlink)
            started.callback(_end_all_of, str(self.folder))
            self._start_munge()
            self._start("slurmctld", "-D")
            for node in self.nodes:
                self.start_node(node)
            eventually(self._is_idle, "every node is idle")
            self.push(started.pop_all())
        return self

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self._start("slurmd", "-D", "-N", node, name=node)

    def kill_daemon(self, node: str) -> None:
        """Kill the daemon of a node; its jobs live on."""
        self._daemons[node].kill()
        self._daemons[node].wait()

    def run(self, *command: str) -> str:
        """What a command of Slurm says."""
        marked = os.environ | self.mark
        return subprocess.run(command, check=True, capture_output=True, text=True, env=marked).stdout

    def states(self) -> dict[str, str]:
        """The state of every node: idle, mixed, drained, down and so on, with a ``*`` where it does not answer."""
        done = subprocess.run(("sinfo", "-hN", "-p", "cpu", "-o", "%N %T"), capture_output=True, text=True)
        return dict(line.split() for line in done.stdout.splitlines())

    def jobs(self, comment: str = "", *, state: str = "all") -> list[Job]:
        """All jobs there were, or those in one state; those alone whose comment (rule, wildcards) holds a text."""
        lines = self.run("squeue", "-h", "-t", state, "-o", "%i|%T|%N|%P|%k").splitlines()
        return [job for job in (Job(*line.split("|", 4)) for line in lines) if comment in job.comment]

    def processes(self, job: Job) -> list[psutil.Process]:
        """The processes of a job, on whichever node."""
        return [each for each, environment in _marked_processes() if environment.get("SLURM_JOB_ID") == job.number]

    def _is_idle(self) -> bool:
        """Whether every node waits for jobs; a daemon that has ended instead says why."""
        for name, daemon in self._daemons.items():
            assert daemon.poll() is None, f"{name} ended: {(self.folder / f'{name}.said').read_text()}"
        return set(self.states().values()) == {"idle"}

    def _configuration(self) -> dict[str, str]:
        host = socket.gethostname().split(".")[0]
        ports = _free_ports(1 + len(self.nodes))
        nodes = [NODE.format(name=node, host=host, port=port) for node, port in zip(self.nodes, ports[1:], strict=True)]
        for folder in ("state", *self.nodes):
            (self.folder / folder).mkdir()
        slurm = SLURM_CONF.format(host=host, port=ports[0], folder=self.folder, nodes="\n".join(nodes))
        gpus = "".join(GPU.format(name=node) for node in self.nodes)
        return dict(zip(FILES, (slurm, gpus), strict=True))

    def _start_munge(self) -> None:
        munge = self.folder / "munge"
        munge.mkdir()
        key = munge / "key"
        key.write_bytes(os.urandom(64))
        key.chmod(0o400)
        options = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        files = [f"--{option}={munge / name}" for option, name in options.items()]
        self._start("munged", "--foreground", "--force", *files)
        eventually((munge / "socket").exists, "munged opens its socket")

    def _start(self, daemon: str, *arguments: str, name: str = "") -> None:
        path = _path_of(daemon)
        assert path is not None, f"{daemon} is not installed"
        with (self.folder / f"{name or daemon}.said").open("ab") as said:
            self._daemons[name or daemon] = subprocess.Popen(
                (path, *arguments),
                stdout=said,
                stderr=said,
                env=os.environ | self.mark,
                start_new_session=True,  # what interrupts the tests from the terminal does not interrupt it first
            )


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition`` holds; Slurm tells of no change, it has to be asked."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s in vain: {what}"
        time.sleep(0.1)


def _marked_processes() -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """The processes of test clusters, each with its environment."""
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            environment = each.environ()
            if MARK in environment and each.pid != os.getpid():
                yield each, environment


def _end_all_of(folder: str) -> None:
    """Kill the processes of the cluster in a folder, or of all, until no more come up."""
    while left := _marked_in(folder) + _step_daemons_in(folder):
        for each in left:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(left)


def _marked_in(folder: str) -> list[psutil.Process]:
    return [each for each, environment in _marked_processes() if environment[MARK].startswith(folder)]


def _step_daemons_in(folder: str) -> list[psutil.Process]:
    """Slurm's daemons of single jobs, known by their open logs: they write their titles over their environments."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            logs = [Path(file.path) for file in each.open_files()] if each.name() == "slurmstepd" else []
            if any(log.parent.name == FOLDER and str(log).startswith(folder) for log in logs):
                found.append(each)
    return found


def _path_of(daemon: str) -> str | None:
    """Daemons lie where not everybody's PATH leads."""
    return shutil.which(daemon, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"]))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
