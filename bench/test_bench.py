"""Tests of the bench's own arithmetic: what it reads from wrk, how it takes ratios, what its rules and traffic hold."""

import io
import json
import pathlib
import unittest
import uuid

import analytics
import chart
import engines
import history
import load
import report
import traffic
from run import FIRST_FILTERS
from servers import BenchError

HERE = pathlib.Path(__file__).resolve().parent


def run(requests, **fields):
    return load.Run(**{"requests": requests, "seconds": 10.0, "non2xx": 0, "broken": 0, "p50": 1.0, "p99": 2.0} | fields)


class Chart(unittest.TestCase):
    def test_factors_of_the_floor_rise_with_what_is_better(self):
        self.assertEqual(chart.better((0.5, 1.0), 2.0), 4)
        self.assertEqual(chart.better(("at most", 50, 10), 25), 2)
        self.assertEqual(chart.goal(("at most", 50, 10)), 5)

    def test_every_question_with_a_target_is_drawn_and_named(self):
        drawn = chart.chart({"a <b>": [1, 2, 3], "of no target": [1]}, {"a <b>": (4, 8)}, "Title")
        self.assertIn("a &lt;b&gt;", drawn)
        self.assertNotIn("of no target", drawn)
        self.assertIn('class="missed"', drawn)
        self.assertEqual(drawn.count("<circle"), 1)


class Analytics(unittest.TestCase):
    def test_rows_are_counted_however_the_answer_is_cut(self):
        body = b"[" + b",".join(b'{"dt":"2026-01-01","appId":"{dt"}' for _ in range(50)) + b"]"
        for piece in (1, 5, 6, 7, 64, 10_000):
            read = analytics.read_rows(io.BytesIO(body), 0.0, piece, iter(range(1, 999)).__next__)
            self.assertEqual((read.rows, read.bytes, read.first), (50, len(body), 1))

    def test_asking_ends_with_its_rounds_or_its_time(self):
        self.assertEqual(len(analytics.repeated(3, 60, lambda: 1)), 3)
        self.assertEqual(len(analytics.repeated(3, 0, lambda: 1)), 1, "once at least")

    def test_every_target_has_its_question(self):
        named = [f"{name}, p99 of the whole" for name in analytics.questions(analytics.START)]
        self.assertLessEqual(set(analytics.TARGETS) - {"campaign job, a month by app and creative"}, set(named))
        self.assertEqual(analytics.verdict("all apps by day, p99 of the whole", 0.2), "at most 0.2 s: met")
        self.assertEqual(analytics.verdict("of no target", 0.3), "")


class Load(unittest.TestCase):
    def test_reads_the_line_of_the_load_scripts(self):
        read = load.parse('noise\nRESULT {"requests":100,"microseconds":2000000,"status":10,"socket":1,"timeout":2,"p50":1500,"p99":9000}\n')
        self.assertEqual((read.rate, read.non2xx, read.broken, read.p50, read.p99), (45.0, 10, 3, 1.5, 9.0))

    def test_no_result_is_an_error(self):
        with self.assertRaises(BenchError):
            load.parse("unable to connect")


class Report(unittest.TestCase):
    def test_the_ratio_is_taken_within_a_round(self):
        rounds = [{report.BASE: run(base), "other": run(other)} for base, other in ((1000, 20), (500, 20), (1000, 10))]
        row = report.rounds_table(rounds, {"other": 10}).splitlines()[-1]
        self.assertIn("| other | 20/s | 0.20 |", row)

    def test_targets_say_met_or_missed(self):
        self.assertEqual(report.verdict(0.4, 0.3, 0.5), "bar 0.3 met, goal 0.5 missed")
        self.assertEqual(report.verdict(0.4, None, None), "")

    def test_filters_are_compared_within_a_round(self):
        row = report.filters_table({"x": [(100, 90), (50, 30), (100, 80)]}).splitlines()[-1]
        self.assertEqual(row, "| x | 100/s | 80/s | 0.80 | 0.90 0.60 0.80 | 0.75 met |")

    def test_the_series_has_a_line_for_ten_seconds_and_the_end(self):
        samples = [{"at": float(at), "rss": 1 << 20} for at in range(26)]
        self.assertEqual([line.split("|")[1].strip() for line in report.series_table(samples).splitlines()[2:]], ["0 s", "10 s", "20 s", "25 s"])


class Rules(unittest.TestCase):
    def test_fifty_filters_share_ten_counter_features(self):
        filters = json.loads((HERE / "rules.json").read_text())
        features = set()
        for one in filters:
            params = one["params"]
            if one["type"] == "duplicate_user":
                features |= {(point, *sorted(params["level"]), params["lookback_minutes"]) for point in params["data_points"]}
            elif one["type"] == "click_flooding":
                features.add((params["scope"], params["window_minutes"]))
            elif one["type"] == "proxy":
                self.assertNotIn("threshold_percentage", params)
        self.assertEqual((len(filters), len(features)), (50, 10))


    def test_every_filter_has_one_of_each_type(self):
        types = [one["type"] for one in json.loads((HERE / "every_filter.json").read_text())]
        self.assertEqual((len(types), len(set(types))), (24, 24))
        self.assertEqual(types[:10], FIRST_FILTERS)


class Generated(unittest.TestCase):
    def test_events_are_whole_varied_and_about_three_hundred_bytes(self):
        made = traffic.Traffic(bodies=20)
        events = [json.loads(line) for body in made.bodies for line in body.splitlines()]
        self.assertEqual(len(events), 20 * traffic.EVENTS_PER_BODY)
        self.assertTrue(250 <= sum(map(len, made.bodies)) / len(events) <= 400)
        self.assertEqual((len(made.addresses), len(set(made.addresses))), (traffic.ADDRESSES, traffic.ADDRESSES))
        self.assertEqual(len(set(made.agents)), traffic.AGENTS)
        self.assertEqual(len({event["offer"] for event in events}), traffic.OFFERS)
        for event in events[:100]:
            self.assertEqual(str(uuid.UUID(event["device_id"])), event["device_id"])


class History(unittest.TestCase):
    def test_targets_are_floors_and_goals_or_most_and_goals(self):
        self.assertEqual(history.verdict("export, rows/s against chdb", 0.8), "floor 0.7 met, goal 1.25 missed")
        self.assertEqual(history.verdict("page 10,000 against page 1", 1.2), "floor 1.5 met, goal 1.1 missed")
        self.assertEqual(history.verdict("something else", 1.0), "")

    def test_what_is_exported_and_counted_is_loaded_too(self):
        loaded = set(engines.COLUMNS)
        keys = {key for keys in history.KEYS.values() for key in keys} - {"date"}
        self.assertLessEqual(set(engines.EXPORTED) | keys | {"payout", "monitoring_mode", "status"}, loaded)


if __name__ == "__main__":
    unittest.main()
