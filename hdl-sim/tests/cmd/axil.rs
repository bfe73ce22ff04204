//! The register port: writes and reads at once; address and data of a write come in any order.

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Agent, Bits, Error, Port, Sim, Sink, Source, Stalls};

use crate::unit;

const ACCESSES: u64 = 300;
/// Bits of an address.
const WIDTH: usize = 13;

/// What a register holds.
fn content(address: u64) -> u64 {
    Random::new(address).next() & 0xffff_ffff
}

/// The registers behind the port: they record writes and answer reads.
struct Registers {
    /// Write, its address, its data, whether it is whole.
    write: [Port; 4],
    read: (Port, Port),
    /// Bits of `[address, data, whole]`.
    written: Vec<[u64; 3]>,
}

impl Agent for Registers {
    fn drive(&mut self, sim: &mut Sim) -> Result<(), Error> {
        // The address is a register's output: it is there before the inputs are.
        let (address, data) = self.read;
        sim.poke(data, content(sim.peek(address)));
        Ok(())
    }

    fn sample(&mut self, sim: &Sim) -> Result<(), Error> {
        let [write, fields @ ..] = self.write;
        if sim.high(write) {
            self.written.push(fields.map(|field| sim.peek(field)));
        }
        Ok(())
    }
}

#[test]
fn axil() {
    for stalls in Stalls::crossed(201) {
        let mut bench = unit("ls_axil", &[]);
        let sim = &mut bench.sim;
        // The five channels pause apart from each other.
        let apart = |i: u64| Stalls { seed: stalls.seed + 1000 * i, ..stalls };
        let source =
            |valid, ready, fields: &[&str], i| Source::new(sim, valid, ready, fields, apart(i)).unwrap();
        let mut aw = source("regs_awvalid_i", "regs_awready_o", &["regs_awaddr_i"], 1);
        let mut w = source("regs_wvalid_i", "regs_wready_o", &["regs_wdata_i", "regs_wstrb_i"], 2);
        let mut ar = source("regs_arvalid_i", "regs_arready_o", &["regs_araddr_i"], 3);
        let sink = |valid, ready, fields: &[&str], i| Sink::new(sim, valid, ready, fields, apart(i)).unwrap();
        let mut b = sink("regs_bvalid_o", "regs_bready_i", &["regs_bresp_o"], 4);
        let mut r = sink("regs_rvalid_o", "regs_rready_i", &["regs_rdata_o", "regs_rresp_o"], 5);
        let output = |name| sim.output(name).unwrap();
        let mut registers = Registers {
            write: ["write_valid_o", "write_addr_o", "write_data_o", "write_whole_o"].map(output),
            read: (output("read_addr_o"), sim.input("read_data_i").unwrap()),
            written: Vec::new(),
        };
        let mut random = Random::new(stalls.seed);
        let okay = || Bits::new(2, 0);
        let mut expected = Vec::new();
        for _ in 0..ACCESSES {
            let [address, data, other] = [(); 3].map(|()| random.next());
            let strobes = [15, random.next() & 15][random.within(0, 1) as usize];
            let (address, data) = (address & 0x1fff, data & 0xffff_ffff);
            aw.push(vec![Bits::new(WIDTH, address)]);
            w.push(vec![Bits::new(32, data), Bits::new(4, strobes)]);
            b.expect(vec![okay()]);
            expected.push([address, data, u64::from(strobes == 15)]);
            ar.push(vec![Bits::new(WIDTH, other)]);
            r.expect(vec![Bits::new(32, content(other & 0x1fff)), okay()]);
        }
        let limit = 60 * ACCESSES;
        sim.run(&mut [&mut aw, &mut w, &mut ar, &mut registers, &mut b, &mut r], limit)
            .unwrap_or_else(|e| panic!("{stalls:?}: {e}"));
        assert_eq!(registers.written, expected);
    }
}
