"""`tollgate ledger publish`, read by DuckDB (and by ClickHouse's engine where PyPI's chdb is there): the figures of the grouped
report as of the published cut, while events, late rejections and deletions go on."""

import json
import os
import random
import subprocess
import threading
import unittest
from pathlib import Path

import requests

from server import BINARY, Server

try:
    import duckdb
except ImportError:
    duckdb = None
try:
    from chdb.session import Session
except ImportError:
    Session = None

MEASURES = ["total", "approved", "rejected", "monitored", "revenue", "payout"]
MEASURED = """count(*), count(*) FILTER (WHERE status = 'approved'),
count(*) FILTER (WHERE status = 'rejected' AND NOT coalesce(monitoring_mode, false)),
count(*) FILTER (WHERE status = 'rejected' AND monitoring_mode),
coalesce(sum(revenue), 0), coalesce(sum(payout), 0)"""
# The integration's time zone is UTC.
KEYS = {
    "date": "CAST(CAST(request_time AT TIME ZONE 'UTC' AS DATE) AS VARCHAR)",
    "hour": "hour(request_time AT TIME ZONE 'UTC')",
}
GROUPINGS = [["publisher", "offer_id"], ["rejection"], ["date", "hour", "sub_id"], ["integration_id"]]
DAYS = {"start_date": "2020-01-01", "end_date": "2090-01-01"}


@unittest.skipUnless(duckdb, "duckdb (PyPI) is not installed")
class Publication(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(requests_per_second=100000, requests_burst=100000)
        cls.addClassCleanup(cls.server.close)
        cls.data = os.path.join(cls.server.directory, "data")
        cls.dir = Path(cls.server.directory) / "published"
        cls.integration = cls.server.made["integration_id"]
        cls.session = requests.Session()
        cls.session.headers["API-KEY"] = cls.server.made["api_key"]
        filters = [{"type": "duplicate_user", "params": {"data_points": ["ip"], "allowed_duplicates": 3}}]
        cls.set_group({"monitoring_mode": True, "filters": filters})

    @classmethod
    def api(cls, method, path, **arguments):
        answer = cls.session.request(method, cls.server.url + path, timeout=60, **arguments)
        if answer.status_code >= 300:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    @classmethod
    def set_group(cls, change):
        path = f"/api/v2/integrations/{cls.integration}/filter-groups"
        group = cls.api("get", path).json()["data"][0]["id"]
        cls.api("patch", f"{path}/{group}", json=change)

    def send(self, chance, count, kind="click", devices=0):
        """Stores events of fifty devices; answers their ids."""

        def event():
            return {
                "kind": kind,
                "publisher": f"p{chance.randrange(5)}",
                "offer": f"o{chance.randrange(4)}",
                "sub_id": f"s{chance.randrange(9)}",
                "click_ip": f"198.51.100.{chance.randrange(200)}",
                "device_id": f"device-{devices + chance.randrange(50)}",
                "revenue": f"{chance.randrange(10**7) / 10**6:.6f}",
                "payout": f"{chance.randrange(10**6) / 10**6:.6f}",
                "color": chance.choice(["red", "a \"quoted\" green"]),
            }

        body = "".join(json.dumps(event()) + "\n" for _ in range(count))
        path, headers = f"/g/{self.integration}/events", {"content-type": "application/x-ndjson"}
        answer = self.api("post", path, data=body, headers=headers)
        return [json.loads(line)["transaction_id"] for line in answer.text.splitlines()]

    def reject(self, ids, reason):
        for one in ids:
            asked = {"transaction_id": one, "new_rejected_reason": reason}
            self.api("get", f"/g/{self.integration}/rejection", params=asked)

    def forget(self, device):
        self.api("post", "/tollgate/v1/privacy-requests", json={"device_id": device})

    def publish(self):
        command = [BINARY, "ledger", "publish", "--data-dir", self.data, "--json", str(self.dir)]
        variables = {name: value for name, value in os.environ.items() if not name.startswith("TOLLGATE_")}
        done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def grouped(self, kind, keys, cut):
        """The report's groups: values of the keys, then of the measures, money in micro-dollars."""
        asked = {**DAYS, "kind": kind, "group_by": ",".join(keys), "as_of": cut, "page[size]": 100}
        rows, number = {}, 1
        while True:
            page = self.api("get", "/api/v2/reports/v2/grouped", params={**asked, "page[number]": number}).json()
            self.assertEqual(page["meta"]["as_of"], cut)
            for row in page["data"]:
                money = [round(row[name] * 10**6) for name in MEASURES[4:]]
                rows[tuple(row[key] for key in keys)] = [row[name] for name in MEASURES[:4]] + money
            number += 1
            if number > page["meta"]["total_page"]:
                return {key: row for key, row in rows.items() if row[0]}

    def rows(self, kind, cut):
        """The newest rows of the table, by their ids."""
        asked = {**DAYS, "integration_id": self.integration, "as_of": cut, "page[size]": 100}
        page = self.api("get", f"/api/v2/reports/v2/{kind}-table", params=asked).json()
        return {row["real_tx_id"]: row for row in page["data"]["data"]}

    def check_duckdb(self, cut):
        with duckdb.connect() as engine:
            engine.execute("SET file_search_path = '" + str(self.dir) + "'")
            engine.execute((self.dir / "views.duckdb.sql").read_text())
            for kind in ["click", "conversion", "impression"]:
                for keys in GROUPINGS:
                    columns = ", ".join(KEYS.get(key, key) for key in keys)
                    asked = f"SELECT {columns}, {MEASURED} FROM {kind}s GROUP BY ALL"
                    found = {}
                    for row in engine.execute(asked).fetchall():
                        money = [int(amount * 10**6) for amount in row[-2:]]
                        found[row[: len(keys)]] = [*row[len(keys) : -2], *money]
                    self.assertEqual(found, self.grouped(kind, keys, cut), (kind, keys))
                self.check_rows(engine, kind, cut)

    def check_rows(self, engine, kind, cut):
        """Every field of every row is what the table has."""
        expected = self.rows(kind, cut)
        described = engine.execute(f"DESCRIBE {kind}s").fetchall()
        names = [column[0] for column in described]
        values = [
            f"strftime({name} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')" if "TIME ZONE" in type else name
            for name, type, *_ in described
        ]
        ids = ", ".join(f"'{one}'" for one in expected)
        asked = f"SELECT {', '.join(values)} FROM {kind}s WHERE real_tx_id IN ({ids})"
        found = [dict(zip(names, row)) for row in engine.execute(asked).fetchall()]
        self.assertEqual(len(found), len(expected))
        for row in found:
            for name in ["rejections", "evidence", "extra_parameters"]:
                row[name] = json.loads(row[name])
            money = {name: row.pop(f"{name}_micros") for name in names if f"{name}_micros" in names}
            del row["seq"]
            row.update((name, None if micros is None else micros / 10**6) for name, micros in money.items())
            self.assertEqual(row, expected[row["real_tx_id"]])

    def check_clickhouse(self, cut):
        before = os.getcwd()
        os.chdir(self.dir)
        try:
            with Session() as engine:
                for statement in (self.dir / "views.clickhouse.sql").read_text().split(";\n"):
                    if statement.strip():
                        engine.query(statement)
                for kind in ["click", "conversion", "impression"]:
                    asked = f"""SELECT publisher, offer_id, count(), countIf(status = 'approved'),
                        countIf(status = 'rejected' AND NOT coalesce(monitoring_mode, false)),
                        countIf(status = 'rejected' AND monitoring_mode), sum(coalesce(revenue_micros, 0)),
                        sum(coalesce(payout_micros, 0)) FROM {kind}s GROUP BY ALL"""
                    answer = engine.query(asked, "JSONCompactEachRow").bytes().decode()
                    rows = [json.loads(line) for line in answer.splitlines()]
                    found = {tuple(row[:2]): [int(value) for value in row[2:]] for row in rows}
                    self.assertEqual(found, self.grouped(kind, ["publisher", "offer_id"], cut), kind)
                asked = "SELECT real_tx_id, rejection, status FROM conversions"
                answer = engine.query(asked, "JSONCompactEachRow").bytes().decode()
                found = {row[0]: row[1:] for row in map(json.loads, answer.splitlines())}
                for one, row in self.rows("conversion", cut).items():
                    self.assertEqual(found[one], [row["rejection"], row["status"]])
        finally:
            os.chdir(before)

    def check(self):
        published = self.publish()
        manifest = json.loads((self.dir / "manifest.json").read_text())
        self.assertEqual((manifest["cut"], manifest["rows"]), (published["cut"], published["rows"]))
        self.check_duckdb(published["cut"])
        return published

    def test_a_cut_has_the_figures_of_the_reports(self):
        chance = random.Random(5)
        self.send(chance, 500)
        conversions = self.send(chance, 60, "conversion")
        self.reject(conversions[:7], "EARLY")
        self.check()
        stop = threading.Event()
        failed = []

        def go_on():
            chance = random.Random(6)
            try:
                while not stop.is_set():
                    self.send(chance, 200, devices=100)
                    self.reject(self.send(chance, 20, "conversion", devices=100)[:2], "LATE")
                    self.send(chance, 20, "impression", devices=100)
            except AssertionError as error:
                failed.append(error)

        writer = threading.Thread(target=go_on)
        writer.start()
        try:
            first = self.check()
            # Everything so far is sealed, rows of its segments are deleted, and what was sealed is amended.
            self.forget("device-7")
            self.reject(conversions[5:20], "LATER")
            second = self.check()
            self.set_group({"monitoring_mode": False})
            self.forget("device-8")
            self.reject(conversions[20:25], "AND AGAIN")
            third = self.check()
        finally:
            stop.set()
            writer.join()
        self.assertEqual(failed, [])
        self.assertLess(first["cut"], second["cut"])
        self.assertLess(second["cut"], third["cut"])
        self.assertGreater(third["amendments"], 20)
        with duckdb.connect() as engine:
            for kind in ["click", "conversion"]:
                files = f"read_parquet('{self.dir}/{kind}/*.parquet', union_by_name = true)"
                asked = f"SELECT count(*) FILTER (WHERE device_id IN ('device-7', 'device-8')), count(*) FROM {files}"
                deleted, rows = engine.execute(asked).fetchone()
                self.assertEqual(deleted, 0)
                self.assertGreater(rows, 20)

    @unittest.skipUnless(Session, "chdb (PyPI) is not installed")
    def test_clickhouse_has_the_same_figures(self):
        chance = random.Random(7)
        self.send(chance, 300)
        conversions = self.send(chance, 40, "conversion")
        self.forget("device-9")
        self.reject(conversions[:10], "LATE")
        self.check_clickhouse(self.publish()["cut"])


if __name__ == "__main__":
    unittest.main()
