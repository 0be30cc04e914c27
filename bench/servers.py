"""Starts the servers that are measured, on free ports of the loopback and in a folder of their own, and stops exactly those.

A server is a context manager: it runs when the block begins, and it is gone when the block ends, however it ends.
"""

import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """The measurement could not be made; what it says is all the reader needs."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def http(method, url, body=None, headers=None, timeout=60):
    """(status, bytes); a status of 400 and more is an answer, not an exception."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        raise BenchError(f"{method} {url}: {error}") from error


class Server:
    """A child process with its folder and its log."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "server.log"
        self.process = None
        self.url = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def launch(self, *command, **options):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stderr=log, **options)

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                # The workers of a master that is killed would live on.
                for pid in reversed(self.pids()):
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def said(self):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-20:])

    def check(self):
        if self.process.poll() is not None:
            raise BenchError(f"{self.process.args[0]} ended with {self.process.returncode}:\n{self.said()}")

    def pids(self):
        own = self.process.pid
        try:
            children = pathlib.Path(f"/proc/{own}/task/{own}/children").read_text().split()
        except OSError:
            children = []
        return [own, *map(int, children)]

    def rss(self):
        """Resident bytes of the process and its workers (shared pages counted for each)."""
        total = 0
        for pid in self.pids():
            try:
                pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
            except OSError:
                continue
            total += pages * os.sysconf("SC_PAGE_SIZE")
        return total

    def cpu_seconds(self):
        total = 0
        for pid in self.pids():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += int(fields[11]) + int(fields[12])
        return total / TICKS


def withheld():
    """Seconds that the processors waited for the disk, or for the host of a virtual machine, which writes behind too."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[5]) + int(fields[8])) / TICKS


def settle(servers, seconds=60):
    """Waits until no server works on the aftermath of its last load, and neither the disk nor the host does, so that nobody
    pays for another's. False when time ran out."""
    deadline = time.monotonic() + seconds
    os.sync()
    while time.monotonic() < deadline:
        before, waited = sum(server.cpu_seconds() for server in servers), withheld()
        time.sleep(1)
        if sum(server.cpu_seconds() for server in servers) - before <= 0.05 and withheld() - waited <= 0.05:
            return True
    return False


class Nginx(Server):
    """nginx that answers 204 to everything, with or without an access log."""

    def __init__(self, folder, access_log):
        super().__init__(folder)
        self.access_log = access_log

    def start(self):
        port = free_port()
        folder = self.folder.resolve()
        log = f"{folder}/access.log combined" if self.access_log else "off"
        temporary = "".join(f"  {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off;\npid {folder}/nginx.pid;\nerror_log stderr warn;\nworker_processes 2;\n"
            "events { worker_connections 4096; }\n"
            f"http {{\n  access_log {log};\n  keepalive_timeout 600s;\n  keepalive_requests 1000000000;\n{temporary}"
            f"  server {{ listen 127.0.0.1:{port} reuseport; location / {{ return 204; }} }}\n}}\n"
        )
        self.launch("nginx", "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf", stdout=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            self.check()
            try:
                with socket.create_connection(("127.0.0.1", port), 1):
                    return
            except OSError:
                time.sleep(0.05)
        raise BenchError(f"nginx does not answer:\n{self.said()}")

    def forget(self):
        """Empties the access log between rounds, in place, so that it never fills the disk."""
        if self.access_log:
            os.truncate(self.folder / "access.log", 0)


class Tollgate(Server):
    """A Tollgate with a data directory of its own, one integration and the rules of the bench."""

    def __init__(self, folder, binary, signals=None):
        super().__init__(folder)
        self.binary, self.signals, self.admin = binary, signals, None

    def start(self):
        data = self.folder / "data"
        made = subprocess.run([self.binary, "init", "--data-dir", data, "--json"], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        if made.returncode != 0:
            raise BenchError(f"tollgate init ended with {made.returncode}: {made.stderr.strip()}")
        made = json.loads(made.stdout)
        self.api_key, self.integration = made["api_key"], made["integration_id"]
        options = ["--signals-dir", self.signals] if self.signals else []
        self.launch(self.binary, "serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", *options,
                    stdout=subprocess.PIPE)
        self.url = self._ready(time.monotonic() + 120)
        self.admin = self._admin()

    def _admin(self):
        """The log may come a moment later than the line that says it is ready; without it the bench goes on without metrics."""
        for _ in range(20):
            found = re.search(r"admin listening on (http://[^\s\"]+)", self.log.read_text(errors="replace"))
            if found:
                return found[1].rstrip("/")
            time.sleep(0.1)
        return None

    def _ready(self, deadline):
        read = b""
        while time.monotonic() < deadline:
            self.check()
            if select.select([self.process.stdout], [], [], 0.5)[0]:
                piece = os.read(self.process.stdout.fileno(), 4096)
                read += piece
                if b"\n" in read:
                    found = re.fullmatch(r"listening on (http://\S+)", read.decode(errors="replace").strip())
                    if not found:
                        raise BenchError(f"tollgate serve printed {read!r} instead of its address")
                    return found[1].rstrip("/")
                if not piece:
                    time.sleep(0.1)
        raise BenchError(f"tollgate serve was not ready in time:\n{self.said()}")

    def call(self, method, path, value=None):
        body = None if value is None else json.dumps(value).encode()
        status, answer = http(method, self.url + path, body, {"API-KEY": self.api_key, "content-type": "application/json"})
        if status != 200:
            raise BenchError(f"{method} {path} answered {status}: {answer[:400].decode(errors='replace')}")
        return json.loads(answer)

    def set_rules(self, filters):
        """Puts the filters into the Default group and reads them back."""
        path = f"/api/v2/integrations/{self.integration}/filter-groups"
        group = next((g for g in self.call("GET", path)["data"] if g["name"] == "Default"), None)
        if group is None:
            raise BenchError("the integration has no Default group")
        self.call("PATCH", f"{path}/{group['id']}", {"filters": filters, "monitoring_mode": False})
        kept = len(self.call("GET", f"{path}/{group['id']}")["filters"])
        if kept != len(filters):
            raise BenchError(f"{len(filters)} filters were sent, {kept} were kept")

    def sample(self, bodies):
        """Sends bodies as NDJSON and gives (approved, events); an event that is answered by an error ends the bench."""
        approved = events = 0
        for body in bodies:
            status, answer = http("POST", f"{self.url}/g/{self.integration}/events", body,
                                  {"API-KEY": self.api_key, "content-type": "application/x-ndjson"})
            lines = [json.loads(line) for line in answer.splitlines()] if status == 200 else []
            if status != 200 or len(lines) != body.count(b"\n") or any("error" in line for line in lines):
                raise BenchError(f"a batch was answered {status}: {answer[:400].decode(errors='replace')}")
            events += len(lines)
            approved += sum(line["status"] == "approved" for line in lines)
        return approved, events

    def metrics(self):
        """What the server says of itself: unsealed rows, the last seq, and the memory of its counters; {} where it says nothing."""
        if self.admin is None:
            return {}
        status, text = http("GET", self.admin + "/metrics", timeout=5)
        if status != 200:
            return {}
        read = {}
        for name, fold in (("tollgate_ledger_unsealed_rows", sum), ("tollgate_ledger_seq", max), ("tollgate_counter_bytes", sum)):
            values = [float(m[1]) for m in re.finditer(rf"^{name}(?:{{[^}}]*}})? (\S+)", text.decode(errors="replace"), re.M)]
            if values:
                read[name.removeprefix("tollgate_").removeprefix("ledger_")] = int(fold(values))
        return read
