//! The bench itself: it must notice every kind of error.
#![allow(clippy::unwrap_used)]

use lockstep_hdl_sim::{
    AxiMemory, AxiTiming, Bits, Design, Error, Fault, Memory, Port, SharedMemory, Sim, Sink, Source, Stalls,
};

const WIDTH: usize = 70;

fn fifo(depth: usize) -> Sim {
    Sim::new(&Design::new("ls_fifo").parameter("Width", WIDTH).parameter("Depth", depth)).unwrap()
}

fn ends(sim: &Sim, stalls: Stalls) -> (Source, Sink) {
    let source = Source::new(sim, "in_valid_i", "in_ready_o", &["in_data_i"], stalls).unwrap();
    let sink = Sink::new(sim, "out_valid_o", "out_ready_i", &["out_data_o"], stalls).unwrap();
    (source, sink)
}

fn word(i: u64) -> Vec<Bits> {
    vec![Bits::concat(&[Bits::new(64, i.wrapping_mul(0x9e37_79b9_7f4a_7c15)), Bits::new(WIDTH - 64, i)])]
}

#[test]
fn a_stream_passes_and_a_wrong_expectation_fails() {
    let mut sim = fifo(3);
    let clear = sim.input("clear_i").unwrap();
    sim.poke(clear, 0);
    let (mut source, mut sink) = ends(&sim, Stalls::NONE);
    for i in 0..100 {
        source.push(word(i));
        sink.expect(word(i));
    }
    let cycles = sim.run(&mut [&mut source, &mut sink], 300).unwrap();
    assert_eq!(cycles, 101);

    source.push(word(7));
    sink.expect(word(8));
    assert!(matches!(sim.run(&mut [&mut source, &mut sink], 300), Err(Error::Mismatch { item: 100, .. })));
}

#[test]
fn waits_end_and_surprises_are_errors() {
    let mut sim = fifo(3);
    let clear = sim.input("clear_i").unwrap();
    sim.poke(clear, 0);
    let (mut source, mut sink) = ends(&sim, Stalls::NONE);
    sink.want(1);
    let error = sim.run(&mut [&mut source, &mut sink], 50).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cycle 50: nothing came within 50 cycles; waiting: out_valid_o: 0 received, 1 to come"
    );
    source.push(word(0));
    source.push(word(1));
    source.push(word(2));
    assert!(matches!(sim.run(&mut [&mut source, &mut sink], 50), Err(Error::Protocol { .. })));
    assert!(matches!(sim.input("no_such_i"), Err(Error::NoPort { .. })));
    assert!(matches!(Sim::new(&Design::new("no_such")), Err(Error::NoModule { .. })));
    let parameter = Sim::new(&Design::new("ls_fifo").parameter("NoSuch", 1)).err().unwrap();
    assert!(matches!(parameter, Error::Tool { .. }), "{parameter}");
}

#[test]
fn a_withdrawn_offer_is_caught() {
    let mut sim = fifo(3);
    let clear = sim.input("clear_i").unwrap();
    sim.poke(clear, 0);
    let (mut source, mut sink) = ends(&sim, Stalls { back_pressure: 100, ..Stalls::NONE });
    source.push(word(0));
    for _ in 0..5 {
        sim.cycle(&mut [&mut source, &mut sink]).unwrap();
    }
    sim.poke(clear, 1);
    let caught = (0..2).find_map(|_| sim.cycle(&mut [&mut source, &mut sink]).err());
    assert!(matches!(caught, Some(Error::Protocol { rule, .. }) if rule.contains("withdrawn")));
}

struct Wires {
    sim: Sim,
    memory: AxiMemory,
    bytes: SharedMemory,
}

impl Wires {
    fn new(timing: AxiTiming) -> Self {
        let mut sim = Sim::new(&Design::new("bench_axi_wires")).unwrap();
        let mut memory = Memory::new(0x1000, (0..8192).map(|i| (i % 251) as u8).collect());
        memory.fail(0x1800..0x1810, Fault::Slave);
        for input in
            ["arvalid_i", "rready_i", "awvalid_i", "wvalid_i", "bready_i", "arid_i", "araddr_i", "arlen_i"]
        {
            let port = sim.input(input).unwrap();
            sim.poke(port, 0);
        }
        let bytes = memory.share();
        let memory = AxiMemory::new(&sim, "m", bytes.clone(), timing, Stalls::NONE).unwrap();
        Self { sim, memory, bytes }
    }

    fn input(&self, name: &str) -> Port {
        self.sim.input(name).unwrap()
    }

    fn set(&mut self, name: &str, value: u64) {
        let port = self.input(name);
        self.sim.poke(port, value);
    }

    fn get(&self, name: &str) -> u64 {
        self.sim.peek(self.sim.output(name).or_else(|_| self.sim.input(name)).unwrap())
    }

    fn cycle(&mut self) -> Result<(), Error> {
        self.sim.cycle(&mut [&mut self.memory])
    }

    /// Runs one read burst. Returns the cycle of each beat, counted from the address handshake, and
    /// its (bytes, response).
    fn read(&mut self, address: u64, beats: u64) -> Result<(u64, Vec<(Bits, u64)>), Error> {
        self.set("araddr_i", address);
        self.set("arlen_i", beats - 1);
        self.set("arvalid_i", 1);
        self.cycle()?;
        self.set("arvalid_i", 0);
        self.set("rready_i", 1);
        let begin = self.sim.cycles();
        let mut found = Vec::new();
        loop {
            self.cycle()?;
            if self.get("m_rvalid_i") == 1 {
                found.push((self.sim.peek_bits(self.input("m_rdata_i")), self.get("m_rresp_i")));
                assert_eq!(self.get("m_rlast_i"), u64::from(found.len() as u64 == beats));
            }
            if found.len() as u64 == beats {
                return Ok((self.sim.cycles() - begin, found));
            }
            assert!(self.sim.cycles() - begin < 1000);
        }
    }
}

#[test]
fn memory_has_latency_bandwidth_and_faults() {
    let mut wires = Wires::new(AxiTiming { latency: 20, bandwidth: (4, 1), ..AxiTiming::default() });
    let (cycles, beats) = wires.read(0x1000, 4).unwrap();
    // The first beat after the latency, then one beat of 16 bytes every 4 cycles.
    assert_eq!(cycles, 20 + 3 * 4);
    let bytes: Vec<u8> = beats.iter().flat_map(|(b, _)| b.bytes().to_vec()).collect();
    assert_eq!(bytes, (0..64).collect::<Vec<u8>>());
    assert!(beats.iter().all(|(_, response)| *response == 0));
    let faulty = wires.read(0x17f0, 3).unwrap().1;
    assert_eq!(faulty.iter().map(|(_, r)| *r).collect::<Vec<_>>(), [0, 2, 0]);
    assert_eq!(wires.read(0x8000, 1).unwrap().1[0].1, 3);
    assert_eq!(wires.memory.traffic().beats, [8, 0]);
}

#[test]
fn bursts_across_4_kib_and_changing_payload_are_caught() {
    let mut wires = Wires::new(AxiTiming::default());
    let error = wires.read(0x1ff0, 2).unwrap_err();
    assert!(error.to_string().contains("cross a 4 KiB boundary"), "{error}");

    let mut wires = Wires::new(AxiTiming { outstanding: 0, ..AxiTiming::default() });
    wires.set("arvalid_i", 1);
    wires.set("araddr_i", 0x1000);
    wires.cycle().unwrap();
    wires.set("araddr_i", 0x1010);
    let error = wires.cycle().unwrap_err();
    assert!(error.to_string().contains("payload changed"), "{error}");
}

#[test]
fn writes_land_by_strobe_and_last_is_checked() {
    let mut wires = Wires::new(AxiTiming { latency: 5, ..AxiTiming::default() });
    wires.set("awaddr_i", 0x1004);
    wires.set("awlen_i", 0);
    wires.set("awvalid_i", 1);
    wires.cycle().unwrap();
    wires.set("awvalid_i", 0);
    let data = wires.input("wdata_i");
    wires.sim.poke_bytes(data, &[0xee; 16]);
    wires.set("wstrb_i", 0x0ff1);
    wires.set("wlast_i", 1);
    wires.set("wvalid_i", 1);
    wires.set("bready_i", 1);
    wires.cycle().unwrap();
    wires.set("wvalid_i", 0);
    for _ in 0..6 {
        wires.cycle().unwrap();
    }
    assert!(wires.memory.idle());
    let mut expected: Vec<u8> = (0..16).collect();
    expected[4..12].fill(0xee);
    assert_eq!(wires.bytes.borrow().read(0x1000, 16).unwrap(), expected);

    wires.set("awvalid_i", 1);
    wires.cycle().unwrap();
    wires.set("awvalid_i", 0);
    wires.set("wvalid_i", 1);
    wires.set("wlast_i", 0);
    let error = wires.cycle().unwrap_err();
    assert!(error.to_string().contains("last is false on beat 1 of 1"), "{error}");
}

/// A waveform of some cycles in the middle. The design that can write it is another build.
#[test]
fn a_waveform_begins_and_ends_while_the_clock_runs() {
    let file = std::env::temp_dir().join(format!("lockstep-wave-{}.fst", std::process::id()));
    assert!(!fifo(3).trace(&file), "a design without waveforms");
    let design = Design::new("ls_fifo").parameter("Width", WIDTH).parameter("Depth", 3).traced();
    let mut sim = Sim::new(&design).unwrap();
    let clear = sim.input("clear_i").unwrap();
    sim.poke(clear, 0);
    (0..10).for_each(|_| sim.cycle(&mut []).unwrap());
    assert!(!file.exists());
    assert!(sim.trace(&file));
    (0..100).for_each(|_| sim.cycle(&mut []).unwrap());
    sim.end_trace();
    let size = std::fs::metadata(&file).unwrap().len();
    assert!(size > 100, "{size} bytes");
    (0..10_000).for_each(|_| sim.cycle(&mut []).unwrap());
    assert_eq!(std::fs::metadata(&file).unwrap().len(), size, "nothing behind the end");
    std::fs::remove_file(&file).unwrap();
}
