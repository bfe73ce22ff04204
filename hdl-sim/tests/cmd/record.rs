//! Completion records: their address in the ring, their phase, their order, and the effect of a
//! failed write.

use lockstep_accel_abi::{Completion, ring};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use crate::endings::Ending;
use crate::{Bench, TWO_SIDES, once, pauses, unit};

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Idle,
    Request,
    /// Beats that are sent.
    Send(usize),
    Wait,
}

/// Outputs of one bit that must be as expected every cycle.
const OUTPUTS: [&str; 6] =
    ["record_req_valid_o", "record_valid_o", "ending_ready_o", "recorded_o", "notify_o", "record_error_o"];

/// Writes `count` records. The bus answers with an error now and then. Returns how many records it
/// did not take.
fn run(
    bench: &mut Bench,
    random: &mut Random,
    width: usize,
    (bus, percent): (u8, u8),
    count: usize,
) -> usize {
    let (base, log2) = (random.next() & !63, random.within(1, 5) as u32);
    let mut index = random.next() as u16;
    let beats = (8 * Completion::BYTES).div_ceil(width);
    bench.set("complete_base_i", base);
    bench.set("ring_log2_i", log2.into());
    let (mut state, mut ending): (State, Option<Ending>) = (State::Idle, None);
    let (mut written, mut failed) = (0, 0);
    // The record that must come, and what has come of it.
    let (mut expected, mut bytes) = (Completion::default(), Vec::new());
    for cycle in 0.. {
        assert!(cycle < 400 * count, "record {written} does not come, {state:?}");
        if ending.is_none() && !pauses(random, percent) {
            ending = Some(Ending::draw(random));
        }
        let clear = once(random, 300);
        let consumer = random.next() as u16;
        let [req_ready, data_ready] = [(); 2].map(|()| !pauses(random, bus));
        let done = state == State::Wait && !pauses(random, bus);
        let bad = once(random, 10);
        for (port, value) in [
            ("drain_i", clear.into()),
            ("complete_producer_i", index.into()),
            ("submit_consumer_i", consumer.into()),
            ("ending_valid_i", ending.is_some().into()),
            ("record_req_ready_i", req_ready.into()),
            ("record_ready_i", data_ready.into()),
            ("record_done_valid_i", done.into()),
            ("record_done_error_i", bad.into()),
        ] {
            bench.set(port, value);
        }
        bench.set_bits("ending_i", &ending.as_ref().map_or_else(|| Bits::random(177, random), Ending::bits));
        bench.settle();
        let notify = ending.as_ref().is_some_and(|e| e.notify);
        let [asks, sends] = [state == State::Request, matches!(state, State::Send(_))];
        let bits = [asks, sends, done && !bad, asks && req_ready, done && !bad && notify, done && bad];
        assert_eq!(OUTPUTS.map(|o| bench.get(o)), bits.map(u64::from), "cycle {cycle}, {state:?}");
        match state {
            State::Idle => {
                if let Some(ending) = &ending {
                    expected = Completion { consumer, flags: ring::phase(index, log2), ..ending.record };
                    bytes.clear();
                    state = State::Request;
                }
            }
            State::Request => {
                let at = base.wrapping_add(u64::from(ring::slot(index, log2)) * Completion::BYTES as u64);
                assert_eq!(
                    (bench.get("record_req_addr_o"), bench.get("record_req_bytes_o")),
                    (at, Completion::BYTES as u64),
                    "index {index}, 2^{log2} records"
                );
                if req_ready {
                    state = State::Send(0);
                }
            }
            State::Send(beat) => {
                if data_ready {
                    bytes.extend_from_slice(bench.bits("record_data_o").bytes());
                    state = if beat + 1 == beats { State::Wait } else { State::Send(beat + 1) };
                }
            }
            State::Wait => {
                if done {
                    assert_eq!(bytes[..Completion::BYTES], expected.to_bytes());
                    assert!(bytes[Completion::BYTES..].iter().all(|&b| b == 0), "behind the record: zeros");
                    state = State::Idle;
                }
            }
        }
        bench.clock();
        index = index.wrapping_add(u16::from(asks && req_ready));
        // A failed one halts the card: the job that has ended is given up, as it is at a reset.
        if done || clear {
            ending = None;
            written += usize::from(done && !bad);
            failed += usize::from(done && bad);
        }
        if clear {
            state = State::Idle;
        }
        if written == count {
            break;
        }
    }
    failed
}

#[test]
fn record() {
    for width in [64, 512] {
        let mut bench = unit("ls_record", &[("DataWidth", width)]);
        let mut random = Random::new(221);
        let failed: usize =
            TWO_SIDES.iter().map(|&pauses| run(&mut bench, &mut random, width, pauses, 150)).sum();
        assert!(failed > 20, "{failed} errors");
    }
}
