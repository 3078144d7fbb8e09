"""A real Slurm for tests: its controller and several nodes, each with a pretend GPU, on the loopback of one machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TextIO

DAEMONS = ("munged", "slurmctld", "slurmd")
#: Where every Slurm command looks; jobs do not inherit the variable that could name another place.
CONFIGURATION = Path("/etc/slurm")
FILES = ("slurm.conf", "gres.conf")
PATIENCE = 120.0  # seconds after which what was waited for will not come

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
MinJobAge=600
{nodes}
PartitionName=cpu Nodes=ALL Default=YES State=UP
PartitionName=gpu Nodes=ALL State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=8000 Gres=gpu:1"
GPU = "NodeName={name} Name=gpu File=/dev/null"


def why_not() -> str | None:
    """Why no cluster can be started here, or None."""
    missing = [daemon for daemon in DAEMONS if _path_of(daemon) is None]
    if missing:
        return f"{', '.join(missing)} not installed: apt-get install slurmctld slurmd slurm-client munge"
    if os.geteuid() != 0:
        return "only root can start a Slurm cluster"
    taken = [name for name in FILES if (CONFIGURATION / name).exists() and not (CONFIGURATION / name).is_symlink()]
    return f"{CONFIGURATION / taken[0]} belongs to a real cluster" if taken else None


class Job(NamedTuple):
    """A job that waits or runs, as `squeue` has it."""

    number: str
    state: str
    node: str
    comment: str


class Cluster:
    """A cluster whose files and logs lie in ``folder``; :meth:`stop` ends what :meth:`start` started, and no more."""

    def __init__(self, folder: Path, *, nodes: int = 3) -> None:
        self.folder = folder
        self.nodes = [f"node{number}" for number in range(1, nodes + 1)]
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._lock: TextIO | None = None

    def start(self) -> None:
        """Start the daemons and wait until every node takes jobs. One cluster at a time runs on a machine."""
        self._lock = CONFIGURATION.joinpath(".test-cluster.lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._configure()
        munge = self.folder / "munge"
        options = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        files = [f"--{option}={munge / name}" for option, name in options.items()]
        self._start("munged", "--foreground", "--force", *files)
        eventually(lambda: (munge / "socket").exists(), "munged opens its socket")
        self._start("slurmctld", "-D")
        for node in self.nodes:
            self.start_node(node)
        eventually(lambda: set(self.states().values()) == {"idle"}, "every node is idle")

    def stop(self) -> None:
        """End all jobs and daemons."""
        self.run("scancel", "--user", "root")
        eventually(lambda: not self.jobs(), "the cluster has no jobs")
        for name in reversed(self._daemons):
            self.kill(name)
        for file in FILES:
            CONFIGURATION.joinpath(file).unlink()
        assert self._lock is not None
        self._lock.close()

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self._start("slurmd", "-D", "-N", node, name=node)

    def kill(self, name: str) -> None:
        """Kill the daemon of a node, or ``slurmctld`` or ``munged``; the jobs of a node live on."""
        daemon = self._daemons[name]
        daemon.kill()
        daemon.wait()

    def run(self, *command: str) -> str:
        """What a command of Slurm says."""
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def states(self) -> dict[str, str]:
        """The state of every node: idle, mixed, drained, down and so on, with a ``*`` where it does not answer."""
        done = subprocess.run(("sinfo", "-hN", "-p", "cpu", "-o", "%N %t"), capture_output=True, text=True)
        return dict(line.split() for line in done.stdout.splitlines())

    def jobs(self, state: str = "all", *, comment: str = "") -> list[Job]:
        """The jobs in a state, or all that have not ended; those alone whose comment (rule, wildcards) holds a text."""
        states = ("-t", state) if state != "all" else ()
        lines = self.run("squeue", "-h", *states, "-o", "%i|%T|%N|%k").splitlines()
        jobs = [Job(*line.split("|", 3)) for line in lines]
        return [job for job in jobs if comment in job.comment]

    def _configure(self) -> None:
        host = socket.gethostname().split(".")[0]
        ports = _free_ports(1 + len(self.nodes))
        nodes = [NODE.format(name=node, host=host, port=port) for node, port in zip(self.nodes, ports[1:], strict=True)]
        contents = (
            SLURM_CONF.format(host=host, port=ports[0], folder=self.folder, nodes="\n".join(nodes)),
            "\n".join(GPU.format(name=node) for node in self.nodes) + "\n",
        )
        for name in ("munge", "state", *self.nodes):
            (self.folder / name).mkdir(parents=True)
        key = self.folder / "munge/key"
        key.write_bytes(os.urandom(64))
        key.chmod(0o400)
        for name, content in zip(FILES, contents, strict=True):
            (self.folder / name).write_text(content)
            link = CONFIGURATION / name
            link.unlink(missing_ok=True)
            link.symlink_to(self.folder / name)

    def _start(self, daemon: str, *arguments: str, name: str = "") -> None:
        path = _path_of(daemon)
        assert path is not None, f"{daemon} is not installed"
        with (self.folder / f"{name or daemon}.said").open("ab") as said:
            # A session of its own: what stops the tests from the terminal does not stop the daemons first.
            self._daemons[name or daemon] = subprocess.Popen(
                (path, *arguments), stdout=said, stderr=said, start_new_session=True
            )


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until ``condition`` holds; Slurm tells of no change, it has to be asked."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s in vain: {what}"
        time.sleep(0.1)


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
