"""Tests of results.py. They need the standard library only: `python -m unittest test_results`."""
import json
import os
import tempfile
import unittest

import results


class Results(unittest.TestCase):
    SIM = {"array": "16x16", "scope": "encoder", "batch": 1, "tokens": 16, "cycles": 720274, "utilisation": 0.928, "bit_equal": True, "khz": 113.4}
    TABLE = "| array | scope | sequences | tokens | cycles |\n|---|---|---|---|---|\n"

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = holder.name
        self.document("hdl-sim", "# Results\n\n<!-- sim-report -->\n" + self.TABLE + "<!-- /sim-report -->\n\nA note.\n")
        self.document("tests", "".join(f"<!-- {kind} -->\n<!-- /{kind} -->\n" for kind in ("bench", "eval", "start-up")))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def document(self, folder, text):
        os.makedirs(self.path(folder), exist_ok=True)
        with open(self.path(folder, "RESULTS.md"), "w", encoding="utf-8") as file:
            file.write(text)

    def text(self, folder):
        with open(self.path(folder, "RESULTS.md"), encoding="utf-8") as file:
            return file.read()

    def report(self, name, content):
        path = self.path("target", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))

    def update(self, *kinds):
        results.main([self.path("target"), *kinds], root=self.folder)

    def test_a_table_is_replaced_and_nothing_else(self):
        self.report("sim/report.json", {"rows": [self.SIM]})
        self.update()
        text = self.text("hdl-sim")
        self.assertIn("\n| 16x16 | encoder | 1 | 16 | 720,274 | 92.8 % | 113 |\n<!-- /sim-report -->\n\nA note.\n", text)
        self.assertRegex(text, r"<!-- sim-report -->\nMeasured on \d{4}-\d\d-\d\d on .+, \d+ cores\.\n\n\| array")
        self.update()
        self.assertEqual(self.text("hdl-sim"), text)

    def test_a_partial_report_is_refused(self):
        self.report("sim/report.json", {"rows": [self.SIM, self.SIM | {"tokens": 128}]})
        self.update()
        text = self.text("hdl-sim")
        self.report("sim/report.json", {"rows": [self.SIM]})
        with self.assertRaisesRegex(results.Refused, "lacks values of the present table: 16x16, encoder, 1, 128"):
            self.update()
        self.assertEqual(self.text("hdl-sim"), text)

    def test_a_report_of_other_bits_is_refused(self):
        self.report("sim/report.json", {"rows": [self.SIM | {"bit_equal": False}]})
        with self.assertRaisesRegex(results.Refused, "differ from the reference"):
            self.update("sim-report")

    def test_bench_has_a_row_for_each_engine_and_ratios_for_the_peers(self):
        row = {"where": "native", "engine": "ort-int8", "batch": 1, "n": 16, "ms": 1.826}
        ours = row | {"engine": "lockstep", "ms": 0.93}
        long = {"batch": 32, "n": 32}
        self.report("bench/report.json", {"rows": [row, ours, row | long | {"ms": 90.1}, ours | long | {"ms": 60.9}]})
        self.report("bench/report.svg", "<svg/>")
        os.makedirs(self.path("tests", "bench"))
        self.update("bench")
        with open(self.path(results.PLOT), encoding="utf-8") as file:
            self.assertEqual(file.read(), "<svg/>")
        text = self.text("tests")
        self.assertIn("| where | engine | n=16 | 32 x 32 |\n|---|---|---|---|\n| native | Lockstep | 0.93 | 60.9 |\n", text)
        self.assertIn("| native | ONNX Runtime, dynamic int8 | 1.83 (1.96) | 90.1 (1.48) |\n", text)

    def test_eval_joins_mean_and_least_cosine(self):
        metrics = {
            "nouns accuracy": {"fp32": 79.79, "lockstep": 79.774},
            "nouns cosine, mean": {"lockstep": 0.99881},
            "nouns cosine, min": {"lockstep": 0.99324},
        }
        self.report("eval/report.json", {"systems": ["fp32", "lockstep"], "metrics": metrics})
        self.update("eval")
        rows = "| nouns accuracy | 79.79 | 79.77 |\n| nouns, cosine to fp32, mean / least |  | 0.9988 / 0.9932 |\n<!-- /eval -->"
        self.assertIn(rows, self.text("tests"))

    def test_start_up_joins_both_reports(self):
        self.report("start-up/module.json", {"rows": [{"what": "a", "median": 0.08, "least": 0.071}]})
        with self.assertRaisesRegex(results.Refused, "component.json"):
            self.update("start-up")
        self.report("start-up/component.json", {"rows": [{"what": "b", "median": 5.4, "least": 5}]})
        self.update("start-up")
        self.assertIn("| a | 0.08 | 0.07 |\n| b | 5.40 | 5.00 |\n", self.text("tests"))

    def test_synth_names_modules_with_their_size(self):
        self.document("hdl-sim", "<!-- synth -->\n<!-- /synth -->\n")
        row = {"module": "ls_cmd", "parameters": "DataWidth=128", "ecp5": ["15537", "5054", "0", "0"], "mhz": "~79.60", "xilinx": ["-"] * 4}
        self.report("synth/report.json", {"rows": [row]})
        self.update("synth")
        self.assertIn("| `ls_cmd` | 128 | 15,537 | 5,054 | 0 | 0 | ~79.60 | - | - | - | - |\n", self.text("hdl-sim"))
        self.report("synth/report.json", {"rows": [row | {"ecp5": ["-"] * 4}]})
        self.assertRaisesRegex(results.Refused, "lacks values of the present table: `ls_cmd`, 128", self.update)

    def test_bad_usage_and_bad_reports_are_refused(self):
        for arguments in ([], [self.folder, "nonsense"]):
            with self.assertRaisesRegex(results.Refused, "kinds: sim-report, synth"):
                results.main(arguments)
        with self.assertRaisesRegex(results.Refused, "run `make bench` first"):
            self.update("bench")
        with self.assertRaisesRegex(results.Refused, "has no report: run `make sim-report`, `make synth`"):
            self.update()
        self.report("bench/report.json", "{")
        self.assertRaisesRegex(results.Refused, "report.json", self.update, "bench")
        self.report("bench/report.json", {"lines": []})
        self.assertRaisesRegex(results.Refused, "no report of this tool", self.update, "bench")
        self.report("sim/report.json", {"rows": [self.SIM]})
        self.document("hdl-sim", "no marker\n")
        self.assertRaisesRegex(results.Refused, "has no lines <!-- sim-report -->", self.update, "sim-report")


if __name__ == "__main__":
    unittest.main()
