//! The registers, cycle by cycle: effects of writes, values of reads, errors, and the halt of the
//! card.

use lockstep_accel_abi::codes::{ID_VALUE, INTERFACE_VERSION, RING_ALIGN, RING_LOG2, VECTORS};
use lockstep_accel_abi::registers::{self, COUNTERS, OFFSET_BITS, REGISTERS, fields};
use lockstep_accel_abi::{Access, ErrorBits, Field, events};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Bits, Design, Layout, Sim};

use crate::{Bench, once};

/// Sizes that the capability registers show: no two are alike.
const CARD: [(&str, u64); 14] = [
    ("build_id", 0x0bad_cafe),
    ("array", 16),
    ("card_bytes", 0x2_4680_0000),
    ("max_tokens", 300),
    ("max_hidden", 700),
    ("jobs", 5),
    ("program_version", 7),
    ("clock_khz", 125_000),
    ("a_depth", 64 * 11),
    ("b_depth", 64 * 12),
    ("v_depth", 64 * 13),
    ("y_depth", 64 * 14),
    ("p_depth", 64 * 15),
    ("ring_depth", 64 * 17),
];
/// Bits of both memory ports.
const DATA_WIDTH: u64 = 512;
/// Bits of `ERROR_STATUS`, those of the ports.
const ERRORS: u64 = ErrorBits::ALL as u64;
const BUS: u64 = 15;

/// Registers that hold what is written.
#[derive(Default)]
struct Held {
    scratch: u64,
    enable: bool,
    /// Base and size stay as they are from the first enable on.
    locked: bool,
    halt: bool,
    watchdog: u64,
    submit_base: u64,
    complete_base: u64,
    log2: u64,
    abort: u64,
    int_enable: u64,
    errors: u64,
    /// Address, response, port of the first error of a bus.
    first: (u64, u64, u64),
}

/// Values of inputs in a cycle.
struct Inputs {
    write: Option<(u32, u64)>,
    whole: bool,
    read: u32,
    clear: bool,
    errors: u64,
    addresses: [u64; 4],
    responses: [u64; 4],
    interrupts: u64,
    resetting: bool,
    aborting: bool,
    busy: bool,
    jobs: u64,
    /// Producer and consumer of both rings.
    indices: [u64; 4],
    counters: Vec<u64>,
}

impl Inputs {
    fn draw(random: &mut Random) -> Self {
        let any = |random: &mut Random| {
            let known = REGISTERS[random.within(0, REGISTERS.len() as i32 - 1) as usize].offset;
            let counter = COUNTERS + random.within(0, 8 * events::COUNT as i32 + 8) as u32 / 4 * 4;
            let other = random.next() as u32 & ((1 << OFFSET_BITS) - 4);
            // Now and then between two registers.
            let between = [0, 0, 0, random.within(1, 3) as u32][random.within(0, 3) as usize];
            [known, known, counter, other][random.within(0, 3) as usize] + between
        };
        let at = any(random);
        let data = match at {
            // What is mostly good: enabled, aligned, a size, an index.
            registers::CONTROL => [1, 1, 0, random.next() & 3][random.within(0, 3) as usize],
            registers::RING_LOG2 => random.within(0, 17) as u64,
            registers::SUBMIT_BASE_LO | registers::COMPLETE_BASE_LO if !once(random, 3) => {
                random.next() & 0xffff_ffc0
            }
            registers::DOORBELL_SUBMIT | registers::DOORBELL_COMPLETE if !once(random, 3) => {
                random.next() & 0xffff
            }
            _ => random.next() & 0xffff_ffff,
        };
        let halting = ErrorBits::COMPLETION_WRITE | ErrorBits::ENGINE_STUCK;
        let own = ErrorBits::BAD_ACCESS | ErrorBits::BAD_QUEUE;
        let rare = (0..64).filter(|_| once(random, 40)).fold(0, |bits, i| bits | 1_u64 << i);
        let halts = if once(random, 40) { ERRORS } else { ERRORS & !u64::from(halting) };
        Self {
            write: once(random, 2).then_some((at, data)),
            whole: !once(random, 10),
            read: any(random),
            clear: once(random, 150),
            errors: rare & halts & !u64::from(own),
            addresses: [(); 4].map(|()| random.next()),
            responses: [(); 4].map(|()| random.next() & 3),
            interrupts: random.next() & 3,
            resetting: once(random, 10),
            aborting: once(random, 2),
            busy: once(random, 2),
            jobs: random.next() & 0xff,
            indices: [(); 4].map(|()| random.next() & 0xffff),
            counters: (0..events::COUNT).map(|_| random.next()).collect(),
        }
    }

    fn drive(&self, bench: &mut Bench) {
        let (at, data) = self.write.unwrap_or_default();
        for (port, value) in [
            ("clear_i", self.clear.into()),
            ("write_valid_i", self.write.is_some().into()),
            ("write_addr_i", at.into()),
            ("write_data_i", data),
            ("write_whole_i", self.whole.into()),
            ("read_addr_i", self.read.into()),
            ("int_status_i", self.interrupts),
            ("error_set_i", self.errors & !BUS),
            ("bus_error_valid_i", self.errors & BUS),
            ("drain_i", self.resetting.into()),
            ("work_aborting_i", self.aborting.into()),
            ("work_busy_i", self.busy.into()),
            ("work_jobs_i", self.jobs),
            ("submit_producer_i", self.indices[0]),
            ("submit_consumer_i", self.indices[1]),
            ("complete_producer_i", self.indices[2]),
            ("complete_consumer_i", self.indices[3]),
        ] {
            bench.set(port, value);
        }
        let pack = |each, values: &[u64]| Bits::pack(each, values.iter().map(|v| v.cast_signed()));
        bench.set_bits("bus_error_addr_i", &pack(64, &self.addresses));
        bench.set_bits("bus_error_resp_i", &pack(2, &self.responses));
        bench.set_bits("counters_i", &pack(64, &self.counters));
    }
}

/// What a write makes happen in its own cycle.
#[derive(Default)]
struct Orders {
    enables: bool,
    reset: bool,
    submit: bool,
    complete: bool,
    abort: bool,
    acknowledge: u64,
    force: u64,
    clears: u64,
    errors: u64,
}

fn value(field: Field, of: u64) -> u64 {
    of << field.low
}

impl Held {
    fn halted(&self) -> bool {
        let halting = ErrorBits::COMPLETION_WRITE | ErrorBits::ENGINE_STUCK;
        self.halt || self.errors & u64::from(halting) != 0
    }

    fn enabled(&self) -> bool {
        self.enable && !self.halted()
    }

    /// Base and size are possible.
    fn ready(&self) -> bool {
        (self.submit_base | self.complete_base).is_multiple_of(RING_ALIGN) && self.log2 >= RING_LOG2.0.into()
    }

    /// What a register reads as.
    fn read(&self, inputs: &Inputs) -> u64 {
        let size = |name| CARD.iter().find(|p| p.0 == name).map_or(0, |p| p.1);
        let pair = |low: u64, high: u64| low | high << 16;
        let words = |low, high| pair(size(low) / 64, size(high) / 64);
        let (low, high) = (|v: u64| v & 0xffff_ffff, |v: u64| v >> 32);
        let [submit, submit_consumer, complete, complete_consumer] = inputs.indices;
        match inputs.read {
            registers::ID => ID_VALUE.into(),
            registers::VERSION => INTERFACE_VERSION.into(),
            registers::BUILD_ID => size("build_id"),
            registers::SCRATCH => self.scratch,
            registers::CAP_ARRAY => pair(size("array"), size("array")),
            registers::CAP_LIMITS => pair(size("max_tokens"), size("max_hidden")),
            registers::CAP_VECTORS => words("v_depth", "y_depth"),
            registers::CAP_BUFFERS => words("p_depth", "ring_depth"),
            registers::CAP_CARD_BYTES_LO => low(size("card_bytes")),
            registers::CAP_CARD_BYTES_HI => high(size("card_bytes")),
            registers::CAP_PORTS => pair(DATA_WIDTH / 8, DATA_WIDTH / 8),
            registers::CAP_QUEUE => {
                value(fields::CAP_QUEUE::RING_LOG2_MAX, RING_LOG2.1.into())
                    | value(fields::CAP_QUEUE::JOBS, size("jobs"))
                    | value(fields::CAP_QUEUE::VECTORS, VECTORS.into())
            }
            registers::CAP_PROGRAM => pair(size("program_version"), 0xffff),
            registers::CAP_OPERANDS => words("a_depth", "b_depth"),
            registers::CAP_CLOCK_KHZ => size("clock_khz"),
            registers::CAP_COUNTERS => events::COUNT as u64,
            registers::CONTROL => {
                value(fields::CONTROL::ENABLE, self.enable.into())
                    | value(fields::CONTROL::RESET, inputs.resetting.into())
            }
            registers::STATUS => {
                value(fields::STATUS::READY, self.enabled().into())
                    | value(fields::STATUS::BUSY, inputs.busy.into())
                    | value(fields::STATUS::RESETTING, inputs.resetting.into())
                    | value(fields::STATUS::HALTED, self.halted().into())
                    | value(fields::STATUS::ABORTING, inputs.aborting.into())
                    | value(fields::STATUS::JOBS, inputs.jobs)
            }
            registers::ERROR_STATUS => self.errors,
            registers::ERROR_INFO => {
                value(fields::ERROR_INFO::PORT, self.first.2)
                    | value(fields::ERROR_INFO::RESPONSE, self.first.1)
            }
            registers::ERROR_ADDRESS_LO => low(self.first.0),
            registers::ERROR_ADDRESS_HI => high(self.first.0),
            registers::WATCHDOG => self.watchdog,
            registers::ABORT => self.abort,
            registers::INT_STATUS => inputs.interrupts,
            registers::INT_ENABLE => self.int_enable,
            registers::SUBMIT_BASE_LO => low(self.submit_base),
            registers::SUBMIT_BASE_HI => high(self.submit_base),
            registers::COMPLETE_BASE_LO => low(self.complete_base),
            registers::COMPLETE_BASE_HI => high(self.complete_base),
            registers::RING_LOG2 => self.log2,
            registers::SUBMIT_INDEX => pair(submit, submit_consumer),
            registers::COMPLETE_INDEX => pair(complete, complete_consumer),
            registers::DOORBELL_SUBMIT => submit,
            registers::DOORBELL_COMPLETE => complete_consumer,
            at if at >= COUNTERS && at.is_multiple_of(4) => {
                let (counter, half) = ((at - COUNTERS) as usize / 8, if at % 8 == 4 { high } else { low });
                inputs.counters.get(counter).map_or(0, |&c| half(c))
            }
            _ => 0,
        }
    }

    /// What happens in the cycle of a write.
    fn orders(&self, inputs: &Inputs) -> Orders {
        let mut orders = Orders { errors: inputs.errors, ..Orders::default() };
        let Some((at, data)) = inputs.write else { return orders };
        let writable = REGISTERS.iter().any(|r| r.offset == at && r.access != Access::ReadOnly);
        if !writable || !inputs.whole {
            orders.errors |= u64::from(ErrorBits::BAD_ACCESS);
            return orders;
        }
        let rings = at == registers::DOORBELL_SUBMIT || at == registers::DOORBELL_COMPLETE;
        let possible = self.enabled() && data <= 0xffff;
        let enables = at == registers::CONTROL && data & 1 == 1;
        for (bad, bit) in
            [(rings && !possible, ErrorBits::BAD_DOORBELL), (enables && !self.ready(), ErrorBits::BAD_QUEUE)]
        {
            orders.errors |= if bad { bit.into() } else { 0 };
        }
        let only = |register, data| if at == register { data } else { 0 };
        Orders {
            enables: enables && self.ready(),
            reset: at == registers::CONTROL && data & 2 == 2,
            submit: at == registers::DOORBELL_SUBMIT && possible,
            complete: at == registers::DOORBELL_COMPLETE && possible,
            abort: at == registers::ABORT,
            acknowledge: only(registers::INT_STATUS, data & 3),
            force: only(registers::INT_FORCE, data & 3),
            clears: only(registers::ERROR_STATUS, data & ERRORS),
            errors: orders.errors,
        }
    }

    /// The end of a cycle.
    fn clock(&mut self, inputs: &Inputs, orders: &Orders) {
        let write = inputs.write.filter(|_| inputs.whole);
        if let Some((registers::SCRATCH, data)) = write {
            self.scratch = data;
        }
        if inputs.clear {
            *self = Self { scratch: self.scratch, ..Self::default() };
            return;
        }
        self.halt = self.halted();
        if self.errors & BUS == 0
            && let Some(port) = (0..4).find(|i| inputs.errors >> i & 1 == 1)
        {
            self.first = (inputs.addresses[port], inputs.responses[port], port as u64);
        }
        self.errors = self.errors & !orders.clears | orders.errors;
        let half = |base: u64, data: u64, high: bool| {
            if high { base & 0xffff_ffff | data << 32 } else { base & !0xffff_ffff | data }
        };
        let free = !self.locked;
        match write {
            Some((registers::CONTROL, _)) => {
                self.enable = orders.enables && !orders.reset && !inputs.resetting;
                self.locked |= orders.enables;
            }
            Some((registers::WATCHDOG, data)) => self.watchdog = data,
            Some((registers::ABORT, data)) => self.abort = data & 0xffff,
            Some((registers::INT_ENABLE, data)) => self.int_enable = data & 3,
            Some((at @ (registers::SUBMIT_BASE_LO | registers::SUBMIT_BASE_HI), data)) if free => {
                self.submit_base = half(self.submit_base, data, at == registers::SUBMIT_BASE_HI);
            }
            Some((at @ (registers::COMPLETE_BASE_LO | registers::COMPLETE_BASE_HI), data)) if free => {
                self.complete_base = half(self.complete_base, data, at == registers::COMPLETE_BASE_HI);
            }
            // A size that is not possible is none.
            Some((registers::RING_LOG2, data)) if free => {
                self.log2 = if data > RING_LOG2.1.into() { 0 } else { data };
            }
            _ => {}
        }
    }
}

#[test]
fn regs() {
    let card = Layout::of("card_t").unwrap().pack(&CARD).unwrap();
    let design = Design::new("ls_regs").parameter("DataWidth", DATA_WIDTH).parameter("Card", card);
    let mut bench = Bench { sim: Sim::new(&design).unwrap() };
    let mut random = Random::new(331);
    let mut held = Held::default();
    let (mut enabled, mut halted) = (0, 0);
    for cycle in 0..30_000 {
        let inputs = Inputs::draw(&mut random);
        inputs.drive(&mut bench);
        bench.settle();
        let orders = held.orders(&inputs);
        let place = format!("cycle {cycle}, write {:x?}, read {:x}", inputs.write, inputs.read);
        assert_eq!(bench.get("read_data_o"), held.read(&inputs), "{place}");
        let outputs = [
            ("enable_o", held.enabled().into()),
            ("halted_o", held.halted().into()),
            ("submit_base_o", held.submit_base),
            ("complete_base_o", held.complete_base),
            ("ring_log2_o", held.log2),
            ("watchdog_o", held.watchdog),
            ("int_control_enable_o", held.int_enable),
            ("order_reset_o", orders.reset.into()),
            ("order_submit_o", orders.submit.into()),
            ("order_complete_o", orders.complete.into()),
            ("order_abort_o", orders.abort.into()),
            ("int_control_acknowledge_o", orders.acknowledge),
            ("int_control_raise_o", orders.force),
            ("error_event_o", u64::from(orders.errors & !held.errors != 0)),
        ];
        for (port, expected) in outputs {
            assert_eq!(bench.get(port), expected, "{port}, {place}");
        }
        if let Some((_, data)) = inputs.write {
            assert_eq!(bench.get("order_operand_o"), data & 0xffff, "{place}");
        }
        enabled += usize::from(held.enabled());
        halted += usize::from(held.halted());
        bench.clock();
        held.clock(&inputs, &orders);
    }
    assert!(enabled > 300 && halted > 300, "{enabled} cycles enabled, {halted} halted");
}
