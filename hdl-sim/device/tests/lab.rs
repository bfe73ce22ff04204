//! The lab tool's subcommands on the mock and on the RTL: what they report and what they refuse.
#![allow(clippy::unwrap_used)]

mod lab_bench;
mod support;

use std::process::Command;

use lab_bench::{Bench, ModelFolder, lab, lines};
use lockstep_accel_abi::{codes, registers};
use serde_json::{Value, json};
use support::{LANES, MIB, listening, mock, rtl, socket};

#[test]
fn the_size_of_a_card_is_printed() {
    let bench = Bench::new(mock());
    let (code, info) = bench.json("info", &[]);
    assert_eq!(code, 0);
    let engine = lockstep_accel_program::ArrayShape::new(LANES);
    for (key, value) in [
        ("card", json!(bench.address)),
        ("interface", json!("1.0")),
        ("program_version", json!(2)),
        ("lanes", json!(LANES)),
        ("memory_a", json!(engine.a)),
        ("memory_y", json!(engine.y)),
        ("tokens", json!(512)),
        ("hidden", json!(1024)),
        ("card_bytes", json!(MIB << 20)),
        ("host_port_bytes", json!(LANES)),
        ("runs", json!(65535)),
        ("vectors", json!(2)),
        ("counters", json!(19)),
        ("clock_khz", json!(1_000_000)),
        ("peak_giga_products", json!(64.0)),
    ] {
        assert_eq!(info[key], value, "{key}");
    }
    let (_, text) = bench.text(&["info"], &[]);
    assert!(text.contains("array               8x8\nclock               1000 MHz\n"), "{text}");
}

#[test]
fn registers_are_printed_by_name() {
    let bench = Bench::new(mock());
    let (code, report) = bench.json("regs", &[]);
    assert_eq!(code, 0);
    let all = report["registers"].as_array().unwrap();
    assert_eq!(all.len(), registers::REGISTERS.len());
    assert_eq!((&all[0]["name"], &all[0]["value"]), (&json!("ID"), &json!(codes::ID_VALUE)));
    assert_eq!(report["counters"]["jobs_ok"], 0);
    assert!(report["counters"]["cycles"].as_u64().unwrap() > 0);

    let (_, text) = bench.text(&["regs"], &["cap_array", "error_status"]);
    assert!(
        text.contains("CAP_ARRAY at 0x0010, RO: 0x00080008\n  The size of the array.\n  ROWS = 8: Rows"),
        "{text}"
    );
    assert!(text.contains("BAD_DOORBELL = 0: A doorbell got an impossible index."), "{text}");
    let (code, problem) = bench.json("regs", &["CAP_ARAY"]);
    assert_eq!((code, problem["error"].as_str()), (1, Some("there is no register CAP_ARAY")));
    assert!(problem["next"].as_str().unwrap().contains("CAP_ARRAY"), "{problem}");
}

#[test]
fn texts_are_encoded_and_compared() {
    let folder = ModelFolder::new();
    let texts = folder.file("texts", "abc\n\nA long text, far too long\nab\n");
    let out = folder.path.join("vectors");
    let out_name = out.to_str().unwrap();
    let options = ["--model", folder.name(), "--texts", &texts, "--max-tokens", "6", "--out", out_name];
    for setup in [mock(), rtl()] {
        let bench = Bench::new(setup);
        let (code, report) = bench.json("run", &options);
        assert_eq!(code, 0, "{report}");
        for (key, value) in [("texts", 3), ("tokens", 5 + 6 + 4), ("truncated", 1), ("compared", 3)] {
            assert_eq!(report[key], value, "{key}");
        }
        assert_eq!((&report["different"], &report["model"]), (&json!([]), &json!("tiny")));
        // "abc" is its letters between the tokens 2 and 3. The letters begin at 4, and at 30 behind
        // others.
        let expected = folder.encoder.forward(&[2, 4, 31, 32, 3], &[0; 5]).unwrap();
        let written = lines(&out);
        assert_eq!(written[0], json!({"text": 0, "tokens": 5, "vector": expected}));
        assert_eq!(written.len(), 3);

        let raw = [&options[..], &["--format", "raw", "--no-compare"]].concat();
        let (_, report) = bench.json("run", &raw);
        assert_eq!(report["compared"], 0);
        let raw = std::fs::read(&out).unwrap();
        assert_eq!(raw.len(), 3 * 64 * 4);
        assert_eq!(raw[..4], expected[0].to_le_bytes());
    }
    // The image and the program take four copies.
    let one = folder.file("one", "abc\n");
    let options = ["--model", folder.name(), "--texts", &one];
    let (code, report) = Bench::faulty("wrong-result@5").json("run", &options);
    assert_eq!((code, &report["different"]), (1, &json!([0])), "{report}");
    assert_eq!(report["problem"]["error"], "1 of 1 vectors differ from the reference");
}

#[test]
fn what_cannot_be_run_is_named() {
    let folder = ModelFolder::new();
    let bench = Bench::new(mock());
    let refused = |model: &str, texts: &str, more: &[&str]| {
        let (code, problem) = bench.json("run", &[&["--model", model, "--texts", texts], more].concat());
        assert_eq!(code, 1, "{problem}");
        assert!(!problem["next"].as_str().unwrap().is_empty());
        problem["error"].as_str().unwrap().to_owned()
    };
    let texts = folder.file("texts", "abc\n");
    let empty = folder.file("empty", "\n \n");
    assert!(refused(folder.name(), "/no/texts", &[]).starts_with("/no/texts: No such file"));
    assert!(refused(folder.name(), &empty, &[]).ends_with("empty: no text"));
    assert!(refused("/no/model", &texts, &[]).starts_with("/no/model/lockstep.json: No such file"));
    assert!(refused(folder.name(), &texts, &["--max-tokens", "1"]).contains('1'));
    let out = refused(folder.name(), &texts, &["--out", "/no/vectors"]);
    assert!(out.starts_with("/no/vectors: No such file"), "{out}");
    folder.file("tokenizer.json", "{}");
    assert!(refused(folder.name(), &texts, &[]).contains("tokenizer.json (2 bytes) has SHA-256"));
}

#[test]
fn the_bench_measures_what_was_asked() {
    let bench = Bench::new(mock());
    let (code, report) = bench.json("bench", &["--tokens", "3,9", "--batch", "1,4", "--times", "3"]);
    assert_eq!(code, 0, "{report}");
    let batches = report["batches"].as_array().unwrap();
    let cases: Vec<_> =
        batches.iter().map(|b| [&b["tokens"], &b["batch"]].map(|n| n.as_u64().unwrap())).collect();
    assert_eq!(cases, [[3, 1], [3, 4], [9, 1], [9, 4]]);
    for batch in batches {
        let number = |key: &str| batch[key].as_f64().unwrap();
        assert!(number("tokens_per_second") > number("sequences_per_second"), "{batch}");
        // A ragged last tile and the panels' headers leave a part of the array's steps without
        // products.
        assert!(number("share_of_peak") > 0.0 && number("share_of_peak") <= number("array_busy"), "{batch}");
        assert!(batch["latency"]["p99_us"].as_f64() >= batch["latency"]["median_us"].as_f64());
    }
    let copies = report["copies"].as_array().unwrap();
    assert_eq!(copies.len(), 6);
    assert!(copies.iter().all(|copy| copy["megabytes_per_second"].as_f64().unwrap() > 0.0), "{report}");
    let (code, problem) = bench.json("bench", &["--tokens", "513"]);
    assert_eq!(code, 1);
    assert!(problem["error"].as_str().unwrap().contains("on this card takes 1 to 512"), "{problem}");
    let (code, text) = bench.text(&["bench"], &["--tokens", "3", "--batch", "2", "--times", "1"]);
    assert!(code == 0 && text.contains("TOKENS  BATCH  MEDIAN µs"), "{text}");
}

#[test]
fn top_counts_the_jobs_of_each_sample() {
    let bench = Bench::new(mock());
    let (code, text) = bench.text(&["--json", "top"], &["--count", "3", "--every", "20", "--batch", "4"]);
    assert_eq!(code, 0, "{text}");
    let samples: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(samples.len(), 3);
    for sample in &samples {
        let counter = |name: &str| sample["counters"][name].as_u64().unwrap();
        // A batch of equal lengths is one job.
        assert_eq!(sample["sequences"], 4 * counter("jobs_ok"), "{sample}");
        assert_eq!(sample["tokens"].as_u64().unwrap(), 32 * 4 * counter("jobs_ok"));
        assert_eq!((counter("jobs_failed"), &sample["state"]), (0, &json!("ready")));
        assert!(counter("array_busy") > 0 && sample["busy"].as_f64().unwrap() > 0.0);
    }
    let (_, text) = bench.text(&["top"], &["--once", "--every", "1"]);
    assert!(text.contains("ready, 0 resets") && text.contains("stall_weights"), "{text}");
    assert!(!text.contains('\x1b'), "no terminal, no control characters");
}

#[test]
fn a_trace_has_each_job_and_its_times() {
    let path = socket();
    let timeline = path.with_extension("json");
    let bench = Bench::new(mock());
    let options = ["--tokens", "3,9,3", "--timeline", timeline.to_str().unwrap()];
    let (code, report) = bench.json("trace", &options);
    assert_eq!(code, 0, "{report}");
    let jobs = report["jobs"].as_array().unwrap();
    let facts: Vec<_> =
        jobs.iter().map(|job| (job["opcode"].as_str().unwrap(), job["batch"].as_u64().unwrap())).collect();
    let (to, from) = ("copy_to_card", "copy_from_card");
    // Image and program, the program for nine tokens, and the program for three again.
    assert_eq!(
        facts,
        [(to, 0), (from, 0), (to, 0), (from, 0), ("run", 0), (to, 1), (from, 1), ("run", 1), ("run", 2)]
    );
    let mut last = 0.0;
    for (i, job) in jobs.iter().enumerate() {
        assert_eq!(job["number"], i + 1);
        assert_eq!(job["record"]["status"], "Ok");
        let time = |key: &str| job[key].as_f64().unwrap();
        assert!(time("submitted_us") >= last && time("ended_us") > time("submitted_us"), "{job}");
        last = time("submitted_us");
    }
    assert_eq!(
        (&jobs[4]["tokens"], &jobs[4]["runs"], &jobs[4]["interrupt"]),
        (&json!(3), &json!(1), &json!(true))
    );
    assert_eq!(report["batches"][0]["counters"]["jobs_ok"], 5);
    assert_eq!(report["batches"][2]["counters"]["jobs_ok"], 1);
    assert!(report["waveform"].as_str().unwrap().contains("--trace-job 9"), "{report}");

    let written: Value = serde_json::from_slice(&std::fs::read(&timeline).unwrap()).unwrap();
    let events = written["traceEvents"].as_array().unwrap();
    let count = |phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
    assert_eq!((count("X"), count("C"), count("M")), (9 + 3, 3, 2));
    std::fs::remove_file(&timeline).unwrap();

    // The jobs until a failure are printed as well.
    let (code, text) = Bench::faulty("all-ones@3").text(&["trace"], &[]);
    assert_eq!(code, 1);
    assert!(text.contains("copy_from_card  1") && text.contains("lost"), "{text}");
    assert!(text.contains("lockstep-lab: the card is gone\nnext: power and seat of the card"), "{text}");
}

#[test]
fn a_device_process_of_this_machine_is_listed() {
    let path = socket();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-card"));
    let mut child = listening(command.arg(&path).args(["--mock", "--mib", "1"]), std::slice::from_ref(&path));
    let (code, text) = lab(&["--json", "list"]);
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(&path).unwrap();
    let listing: Value = serde_json::from_str(&text).unwrap();
    let address = format!("vfio-user:{}", path.display());
    let found =
        listing["device_processes"].as_array().unwrap().iter().find(|found| found["address"] == address);
    let process = json!({"pid": child.id(), "command": "lockstep-card"});
    let expected = json!({"address": address, "process": process, "in_use": false});
    assert_eq!((code, found), (0, Some(&expected)), "{listing}");
}
