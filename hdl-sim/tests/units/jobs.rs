//! The control of the engine's job, and the engine's counters.

use lockstep_accel_abi::EngineError;
use lockstep_arith::sample::Random;

use crate::{once, unit};

/// Jobs with errors in any cycle, also several at once. The first error counts, and no transfer is
/// open when the job has ended.
#[test]
fn jobs() {
    let mut bench = unit("ls_engine_jobs", &[]);
    let mut random = Random::new(151);
    let mut ends = [0; EngineError::ALL.len()];
    let (mut reading, mut writing) = (false, false);
    for number in 0..600_u64 {
        let repeat = random.within(1, 4) as u64;
        let [program, input, output] = [(); 3].map(|()| random.next() & 0xff_ffff_ffc0);
        let strides = [random.next() & 0xffff, random.next() & 0xffff];
        for (port, value) in [
            ("engine_job_program_address_i", program),
            ("engine_job_length_i", number + 3),
            ("engine_job_runs_i", repeat),
            ("engine_job_input_address_i", input),
            ("engine_job_input_stride_i", strides[0]),
            ("engine_job_output_address_i", output),
            ("engine_job_output_stride_i", strides[1]),
        ] {
            bench.set(port, value);
        }
        let (mut begun, mut sequence, mut error, mut cycles, mut busy) = (false, 0, 0_u64, 0_u64, 0_u64);
        for cycle in 0.. {
            assert!(cycle < 5000, "job {number} does not end");
            let running = begun && error == 0 && sequence < repeat;
            let [offer, step, ended] = [once(&mut random, 3), once(&mut random, 2), once(&mut random, 20)];
            let ended = ended && running;
            let [illegal, token, abort] = [400, 400, 300].map(|n| running && once(&mut random, n));
            let [card_word, card_bad, card_idle] =
                [once(&mut random, 2), once(&mut random, 150), once(&mut random, 3)];
            // A failed job makes no more requests.
            let ask_read = running && !reading && once(&mut random, 9);
            let ask_write = running && !writing && once(&mut random, 9);
            let read = reading && once(&mut random, 4);
            let [read_last, read_bad] = [once(&mut random, 2), once(&mut random, 60)];
            let written = writing && once(&mut random, 6);
            let write_bad = once(&mut random, 60);
            for (port, value) in [
                ("engine_job_valid_i", offer && !begun),
                ("engine_abort_i", abort),
                ("sequence_end_i", ended),
                ("illegal_i", illegal),
                ("bad_token_i", token),
                ("card_read_beat_valid_i", card_word),
                ("card_read_beat_error_i", card_bad),
                ("host_read_beat_valid_i", read),
                ("host_read_beat_last_i", read_last),
                ("host_read_beat_error_i", read_bad),
                ("host_write_done_valid_i", written),
                ("host_write_done_error_i", write_bad),
                ("card_idle_i", card_idle),
                ("host_read_req_valid_i", ask_read),
                ("host_read_req_ready_i", ask_read || once(&mut random, 2)),
                ("host_write_req_valid_i", ask_write),
                ("host_write_req_ready_i", ask_write || once(&mut random, 2)),
                ("step_i", step),
            ] {
                bench.set(port, value.into());
            }
            bench.settle();
            let place = format!("job {number}, cycle {cycle}");
            assert_eq!(bench.get("engine_job_ready_o"), u64::from(!begun), "{place}");
            assert_eq!(bench.get("running_o"), running.into(), "{place}");
            assert_eq!(bench.get("host_writing_o"), writing.into(), "{place}");
            assert_eq!(bench.get("start_o"), u64::from(running && cycles == 0), "{place}");
            if running {
                assert_eq!(
                    ["program_address_o", "length_o", "repeats_o", "input_address_o", "output_address_o"]
                        .map(|n| bench.get(n)),
                    [
                        program,
                        number + 3,
                        repeat,
                        input + sequence * strides[0],
                        output + sequence * strides[1]
                    ]
                );
            }
            let done = bench.get("engine_done_valid_o") == 1;
            let unit_reset = bench.get("srst_n_o") == 0;
            if done {
                assert!(!reading && !writing || error == 0, "{place}: something is open");
                assert_eq!(
                    ["engine_done_error_o", "engine_done_busy_o"].map(|n| bench.get(n)),
                    [error, busy],
                    "{place}"
                );
            } else {
                assert_eq!(unit_reset, error != 0, "{place}");
                assert!(!begun || running || error != 0, "{place}: a job without an error ends at once");
            }
            bench.clock();
            if running {
                cycles += 1;
                busy += u64::from(step);
                error = [
                    (card_word && card_bad, EngineError::CardBus),
                    (written && write_bad || read && read_bad, EngineError::HostBus),
                    (illegal, EngineError::IllegalInstruction),
                    (token, EngineError::BadInput),
                    (abort, EngineError::Aborted),
                ]
                .iter()
                .find(|e| e.0)
                .map_or(0, |e| e.1 as u64);
                sequence += u64::from(error == 0 && ended);
            }
            begun |= offer;
            reading = ask_read || reading && !(read && read_last);
            writing = ask_write || writing && !written;
            if done {
                break;
            }
        }
        ends[error as usize] += 1;
    }
    assert!(ends.iter().all(|&n| n > 10), "{ends:?}");
}

/// Compares all counters with sums. The counters of jobs count only while a job runs.
#[test]
fn engine_counters() {
    let mut bench = unit("ls_engine_counters", &[]);
    let mut random = Random::new(161);
    let events = [
        "step_i",
        "stall_weights_i",
        "stall_operand_i",
        "stall_plane_i",
        "drained_i",
        "passed_i",
        "card_read_beat_valid_i",
        "host_read_beat_valid_i",
        "host_written_i",
    ];
    let mut sums = [0_u64; 10];
    for _ in 0..3000 {
        let running = once(&mut random, 2);
        bench.set("running_i", running.into());
        let mut bits = [0; 9];
        for (bit, event) in bits.iter_mut().zip(events) {
            *bit = u64::from(once(&mut random, 4));
            bench.set(event, *bit);
        }
        bench.clock();
        let [step, weights, operand, plane, drained, passed, card, read, written] = bits;
        let idle = u64::from(step + weights + operand + plane == 0);
        let job = [1, step, weights, operand, plane, idle, drained, passed].map(|n| n * u64::from(running));
        for (sum, n) in sums.iter_mut().zip(job.into_iter().chain([card, read + written])) {
            *sum += n;
        }
    }
    bench.settle();
    // The first member of a packed structure has the highest bits.
    sums.reverse();
    assert_eq!(bench.bits("counts_o").unsigned(64), sums);
}
