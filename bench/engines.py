"""The engines that are asked the same questions as Tollgate: DuckDB, ClickHouse's engine (chdb), PostgreSQL.

Each loads the same clicks from one CSV file into a store of its own kind and answers with the seconds a question took.
"""

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import time

from servers import BenchError, free_port

# Columns of the clicks that are loaded: name, and what they are.
COLUMNS = {
    "real_tx_id": "text", "external_transaction_id": "text", "integration_id": "text", "status": "text", "rejection": "text",
    "rejections": "text", "evidence": "text", "monitoring_mode": "flag", "advertiser": "text", "publisher": "text",
    "offer_id": "text", "sub_id": "text", "campaign": "text", "creative": "text", "ip": "text", "country": "text", "city": "text",
    "isp": "text", "asn": "whole", "proxy_type": "text", "user_agent": "text", "browser_name": "text", "browser_version": "text",
    "os_name": "text", "os_version": "text", "device_type": "text", "device_model": "text", "device_id": "text",
    "browser_languages": "text", "is_bot": "flag", "request_time": "time", "payout": "money", "config_version": "whole",
}
EXPORTED = ["real_tx_id", "request_time", "status", "rejection", "offer_id", "publisher", "sub_id", "country", "ip", "device_id",
            "os_name", "payout"]
# What a grouped report counts, in SQL that all of them understand.
MEASURES = ("count(*), sum(CASE WHEN status = 'approved' THEN 1 ELSE 0 END), sum(CASE WHEN status = 'rejected' THEN 1 ELSE 0 END), "
            "sum(CASE WHEN monitoring_mode THEN 1 ELSE 0 END), sum(payout)")


def timed(work):
    begin = time.monotonic()
    found = work()
    return time.monotonic() - begin, found


def declared(types):
    return ", ".join(f"{name} {types[kind]}" for name, kind in COLUMNS.items())


class DuckDb:
    """One file, two threads, in this process."""

    name = "DuckDB"

    def __init__(self, folder):
        import duckdb

        self.folder = pathlib.Path(folder)
        self.database = duckdb.connect(str(self.folder / "clicks.duckdb"), config={"threads": 2, "memory_limit": "8GB"})

    def load(self, csv):
        types = {"text": "VARCHAR", "flag": "BOOLEAN", "whole": "BIGINT", "time": "TIMESTAMP", "money": "DECIMAL(18,6)"}
        self.database.execute(f"CREATE TABLE clicks ({declared(types)})")
        self.database.execute(f"COPY clicks FROM '{csv}' (HEADER, DELIMITER ',')")
        self.database.execute("CHECKPOINT")

    def rows(self):
        return self.database.execute("SELECT count(*) FROM clicks").fetchone()[0]

    def bytes(self):
        return (self.folder / "clicks.duckdb").stat().st_size

    def export(self, to):
        query = f"COPY (SELECT {', '.join(EXPORTED)} FROM clicks) TO '{to}' (HEADER, DELIMITER ',')"
        return timed(lambda: self.database.execute(query))[0]

    def grouped(self, keys):
        keys = ", ".join("CAST(request_time AS DATE)" if key == "date" else key for key in keys)
        return timed(lambda: self.database.execute(f"SELECT {keys}, {MEASURES} FROM clicks GROUP BY ALL").fetchall())

    def close(self):
        self.database.close()


class Chdb:
    """A MergeTree in a folder, ordered as Tollgate's segments are, two threads, in this process."""

    name = "ClickHouse (chdb)"

    def __init__(self, folder):
        from chdb.session import Session

        self.folder = pathlib.Path(folder) / "chdb"
        self.session = Session(str(self.folder))

    def ask(self, query):
        return self.session.query(query, "TSV")

    def load(self, csv):
        types = {"text": "Nullable(String)", "flag": "Nullable(Bool)", "whole": "Nullable(Int64)", "time": "DateTime64(3, 'UTC')",
                 "money": "Nullable(Decimal(18, 6))"}
        keys = {"real_tx_id", "integration_id"}
        columns = ", ".join(f"{name} {'String' if name in keys else types[kind]}" for name, kind in COLUMNS.items())
        self.ask("CREATE DATABASE bench ENGINE = Atomic")
        self.ask(f"CREATE TABLE bench.clicks ({columns}) ENGINE = MergeTree ORDER BY (integration_id, real_tx_id)")
        structure = columns.replace("'", "\\'")
        self.ask(f"INSERT INTO bench.clicks SELECT * FROM file('{csv}', 'CSVWithNames', '{structure}') "
                 "SETTINGS date_time_input_format = 'best_effort', max_insert_threads = 2")
        self.ask("OPTIMIZE TABLE bench.clicks FINAL")

    def rows(self):
        return int(self.ask("SELECT count() FROM bench.clicks").bytes())

    def bytes(self):
        query = "SELECT sum(bytes_on_disk) FROM system.parts WHERE database = 'bench' AND table = 'clicks' AND active"
        return int(self.ask(query).bytes())

    def export(self, to):
        query = (f"SELECT {', '.join(EXPORTED)} FROM bench.clicks INTO OUTFILE '{to}' TRUNCATE FORMAT CSVWithNames "
                 "SETTINGS max_threads = 2")
        return timed(lambda: self.session.query(query))[0]

    def grouped(self, keys):
        keys = ", ".join("toDate(request_time)" if key == "date" else key for key in keys)
        query = f"SELECT {keys}, {MEASURES} FROM bench.clicks GROUP BY {keys} SETTINGS max_threads = 2"
        return timed(lambda: self.ask(query).bytes().splitlines())

    def close(self):
        self.session.close()


class Postgres:
    """A server of its own on a free port, with the two indexes that pages and look-ups need."""

    name = "PostgreSQL"

    def __init__(self, folder):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not found:
            raise BenchError("PostgreSQL is not installed: scripts/setup.sh bench")
        self.bin, self.folder, self.port = found[-1], pathlib.Path(folder) / "postgres", free_port()
        self.folder.mkdir(mode=0o700)
        # It refuses to run as root.
        self.as_server = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.as_server:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self.serve("initdb", "-D", self.folder / "data", "-U", "bench", "--auth", "trust", "-E", "UTF8", "--no-sync")
        options = (f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c shared_buffers=2GB -c max_wal_size=8GB "
                   "-c synchronous_commit=off -c maintenance_work_mem=1GB")
        self.serve("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options, "-w", "start")

    def serve(self, name, *arguments):
        """Whatever makes, starts and stops the server. Its output must not be a pipe: the server would keep that open."""
        command = [*self.as_server, str(self.bin / name), *(str(part) for part in arguments)]
        with open(self.folder.parent / "postgres.log", "ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, cwd="/", stdin=subprocess.DEVNULL)
        if done.returncode:
            raise BenchError(f"{command}: see {self.folder.parent / 'postgres.log'}")

    def run(self, *command, script=""):
        command = [str(part) for part in command]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", input=script)
        if done.returncode:
            raise BenchError(f"{command}: {done.stderr.strip()[-800:]}")
        return done.stdout

    def sql(self, text):
        return self.run(self.bin / "psql", "-h", "127.0.0.1", "-p", self.port, "-U", "bench", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-qAt",
                        script=text)

    def load(self, csv):
        types = {"text": "text", "flag": "boolean", "whole": "bigint", "time": "timestamptz", "money": "numeric"}
        self.sql(f"CREATE TABLE clicks ({declared(types)})")
        self.sql(f"\\copy clicks FROM '{csv}' WITH (FORMAT csv, HEADER)")
        self.sql("CREATE UNIQUE INDEX ON clicks (integration_id, real_tx_id COLLATE \"C\")")
        self.sql("CREATE INDEX ON clicks (external_transaction_id) WHERE external_transaction_id IS NOT NULL")
        self.sql("ANALYZE clicks")

    def rows(self):
        return int(self.sql("SELECT count(*) FROM clicks"))

    def bytes(self):
        return int(self.sql("SELECT pg_total_relation_size('clicks')"))

    def pages(self, cursors, integration, seconds, clients=8):
        """p99 in milliseconds of pages of 100 behind random cursors, asked for by several clients."""
        script = self.folder / "page.sql"
        if not script.exists():
            values = ", ".join(f"({n}, '{cursor}')" for n, cursor in enumerate(cursors))
            self.sql(f"CREATE TABLE cursors (n integer PRIMARY KEY, id text COLLATE \"C\"); INSERT INTO cursors VALUES {values}")
            script.write_text(
                f"\\set n random(0, {len(cursors) - 1})\n"
                f"SELECT * FROM clicks WHERE integration_id = '{integration}' AND real_tx_id COLLATE \"C\" < "
                "(SELECT id FROM cursors WHERE n = :n) ORDER BY real_tx_id COLLATE \"C\" DESC LIMIT 100;\n")
            script.chmod(0o644)
        prefix = self.folder / "latency"
        self.run(self.bin / "pgbench", "-h", "127.0.0.1", "-p", self.port, "-U", "bench", "-n", "-M", "prepared", "-c", clients, "-j", 1,
                 "-T", seconds, "-f", script, "-l", f"--log-prefix={prefix}", "postgres")
        micros = []
        for log in self.folder.glob("latency.*"):
            micros += [int(line.split()[2]) for line in log.read_text().splitlines()]
            log.unlink()
        micros.sort()
        return micros[int(len(micros) * 0.99)] / 1000

    def close(self):
        self.serve("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


def version(module):
    found = re.search(r"[\d.]+", getattr(__import__(module), "__version__", ""))
    return found[0] if found else "?"
