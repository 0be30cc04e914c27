"""What the figures were measured on: processor, disk, versions.

The disk's floor (one write and one fdatasync, alone) is what no durable server can be quicker than.
"""

import os
import platform
import re
import shutil
import subprocess
import time


def output(*command):
    """What a command says, both streams; empty where it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip()


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def cores():
    named = re.search(r"^Model name:\s*(.+)$", output("lscpu"), re.M)
    return f"{len(os.sched_getaffinity(0))} × {named[1].strip() if named else platform.machine()}"


def fdatasync_floor(folder, size, times):
    """(p50, p99) in milliseconds of overwriting `size` bytes of a written-out file and syncing them."""
    path, block, span = folder / "floor", os.urandom(size), 16 << 20
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for at in range(0, span, 1 << 20):
            os.pwrite(handle, bytes(1 << 20), at)
        os.fsync(handle)
        took = []
        for turn in range(times):
            begin = time.perf_counter()
            os.pwrite(handle, block, turn * size % span)
            os.fdatasync(handle)
            took.append((time.perf_counter() - begin) * 1e3)
    finally:
        os.close(handle)
        path.unlink()
    return percentile(took, 0.50), percentile(took, 0.99)


def describe(folder, tollgate):
    """Lines of markdown about machine, disk and versions."""
    kind = output("df", "--output=fstype", str(folder)).rpartition("\n")[2]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [f"- cores: {cores()}; {memory:.1f} GiB of memory; Linux {platform.release()}"]
    for label, size, times in (("4 KiB", 4 << 10, 400), ("64 KiB", 64 << 10, 250)):
        p50, p99 = fdatasync_floor(folder, size, times)
        lines.append(f"- fdatasync of {label}, preallocated file ({kind}): p50 {p50:.3f} ms, p99 {p99:.3f} ms")
    here = os.path.dirname(os.path.abspath(__file__))
    commit = output("git", "-C", here, "describe", "--always", "--dirty", "--abbrev=12") if shutil.which("git") else ""
    versions = [output("nginx", "-v").rpartition(": ")[2], output("wrk", "-v").split(" Copyright")[0], output("rustc", "--version")]
    if tollgate:
        versions.append(output(str(tollgate), "--version").splitlines()[0] if output(str(tollgate), "--version") else "tollgate")
    lines.append(f"- commit {commit or 'unknown'}; {'; '.join(filter(None, versions))}")
    return lines
