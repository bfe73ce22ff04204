// The four ports to memory and their users. Host memory: fetcher, copier and engine read, recorder,
// copier and engine write. Card memory: copier and engine read, the copier writes.
//
// Channels of the copier are pairs: index 0 is host memory, index 1 is card memory.
module ls_ports
  import ls_bus_pkg::*;
#(
    parameter int unsigned DataWidth   = 64,
    parameter int unsigned ReadBeats   = 64,
    parameter int unsigned WriteBeats  = 16,
    parameter int unsigned Outstanding = 16
) (
    input logic clk_i,
    input logic rst_ni,
    input logic drain,  // soft reset: finish what is on the bus
    input logic clear,  // its last cycle
    output logic idle,  // nothing is on the bus
    output bus_error_t [3:0] bus_error,  // by port
    // read data, common to the users of a port
    output logic [DataWidth-1:0] host_data,
    output logic [DataWidth-1:0] card_data,
    // fetcher
    input request_t fetch_req,
    output logic fetch_req_ready,
    output beat_t fetch_beat,
    // recorder
    input request_t record_req,
    output logic record_req_ready,
    input logic record_valid,
    input logic [DataWidth-1:0] record_data,
    output logic record_ready,
    output answer_t record_done,
    // copier
    input logic copy_start,  // forgets the copier's faults
    input request_t [1:0] copy_read,
    output logic [1:0] copy_read_ready,
    output beat_t [1:0] copy_beat,
    input logic [1:0] copy_beat_ready,
    input request_t [1:0] copy_write,
    output logic [1:0] copy_write_ready,
    input logic [1:0] copy_wvalid,
    input logic [DataWidth-1:0] copy_wdata,
    output logic [1:0] copy_wready,
    output answer_t [1:0] copy_done,
    output fault_t [1:0] copy_read_fault,
    output fault_t [1:0] copy_write_fault,
    // engine; it takes read data at once
    input done_t engine_done,  // forgets the engine's faults
    output ls_cmd_pkg::engine_fault_t engine_fault,
    input request_t card_read_req,
    output logic card_read_req_ready,
    output beat_t card_read_beat,
    input request_t host_read_req,
    output logic host_read_req_ready,
    output beat_t host_read_beat,
    input request_t host_write_req,
    output logic host_write_req_ready,
    input logic host_write_valid,
    input logic [DataWidth-1:0] host_write_data,
    output logic host_write_ready,
    output answer_t host_write_done,
    // the buses
    input axi_in_t host_i,
    output axi_out_t host_o,
    input logic [DataWidth-1:0] host_rdata,
    output logic [DataWidth-1:0] host_wdata,
    output logic [DataWidth/8-1:0] host_wstrb,
    input axi_in_t card_i,
    output axi_out_t card_o,
    input logic [DataWidth-1:0] card_rdata,
    output logic [DataWidth-1:0] card_wdata,
    output logic [DataWidth/8-1:0] card_wstrb
);
  import lockstep_pkg::*;

  logic [3:0] port_idle;
  fault_t unused_fetch, unused_record;
  assign idle = &port_idle;

  ls_read_port #(
      .Count(3),
      .DataWidth(DataWidth),
      .MaxBeats(ReadBeats),
      .Outstanding(Outstanding)
  ) u_host_read (
      .*,
      .idle_o(port_idle[2'(PortHostRead)]),
      .req_i({host_read_req, copy_read[0], fetch_req}),
      .req_ready_o({host_read_req_ready, copy_read_ready[0], fetch_req_ready}),
      .beat_o({host_read_beat, copy_beat[0], fetch_beat}),
      .beat_ready_i({1'b1, copy_beat_ready[0], 1'b1}),
      .data_o(host_data),
      .fault_clear_i({engine_done.valid, copy_start, 1'b0}),
      .fault_o({engine_fault.host_read, copy_read_fault[0], unused_fetch}),
      .error_o(bus_error[2'(PortHostRead)]),
      .axi_o(host_o.read),
      .axi_i(host_i.read),
      .axi_rdata_i(host_rdata)
  );

  ls_write_port #(
      .Count(3),
      .DataWidth(DataWidth),
      .MaxBeats(WriteBeats),
      .Outstanding(Outstanding)
  ) u_host_write (
      .*,
      .clear_i(clear),
      .idle_o(port_idle[2'(PortHostWrite)]),
      .req_i({host_write_req, copy_write[0], record_req}),
      .req_ready_o({host_write_req_ready, copy_write_ready[0], record_req_ready}),
      .data_valid_i({host_write_valid, copy_wvalid[0], record_valid}),
      .data_ready_o({host_write_ready, copy_wready[0], record_ready}),
      .data_i({host_write_data, copy_wdata, record_data}),
      .done_o({host_write_done, copy_done[0], record_done}),
      .fault_clear_i({engine_done.valid, copy_start, 1'b0}),
      .fault_o({engine_fault.host_write, copy_write_fault[0], unused_record}),
      .error_o(bus_error[2'(PortHostWrite)]),
      .axi_o(host_o.write),
      .axi_i(host_i.write),
      .axi_wdata_o(host_wdata),
      .axi_wstrb_o(host_wstrb)
  );

  ls_read_port #(
      .Count(2),
      .DataWidth(DataWidth),
      .MaxBeats(ReadBeats),
      .Outstanding(Outstanding)
  ) u_card_read (
      .*,
      .idle_o(port_idle[2'(PortCardRead)]),
      .req_i({card_read_req, copy_read[1]}),
      .req_ready_o({card_read_req_ready, copy_read_ready[1]}),
      .beat_o({card_read_beat, copy_beat[1]}),
      .beat_ready_i({1'b1, copy_beat_ready[1]}),
      .data_o(card_data),
      .fault_clear_i({engine_done.valid, copy_start}),
      .fault_o({engine_fault.card_read, copy_read_fault[1]}),
      .error_o(bus_error[2'(PortCardRead)]),
      .axi_o(card_o.read),
      .axi_i(card_i.read),
      .axi_rdata_i(card_rdata)
  );

  ls_axi_write #(
      .DataWidth(DataWidth),
      .IdWidth(1),
      .MaxBeats(WriteBeats),
      .Outstanding(Outstanding)
  ) u_card_write (
      .*,
      .clear_i(clear),
      .idle_o(port_idle[2'(PortCardWrite)]),
      .req_i(copy_write[1]),
      .req_ready_o(copy_write_ready[1]),
      .req_id_i(1'b0),
      .data_id_o(),
      .data_valid_i(copy_wvalid[1]),
      .data_ready_o(copy_wready[1]),
      .data_i(copy_wdata),
      .done_o(copy_done[1]),
      .done_id_o(),
      .error_o(bus_error[2'(PortCardWrite)]),
      .axi_o(card_o.write),
      .axi_i(card_i.write),
      .axi_wdata_o(card_wdata),
      .axi_wstrb_o(card_wstrb)
  );

  ls_first_fault #(
      .Count(1)
  ) u_card_write_fault (
      .*,
      .clear_i(copy_start),
      .error_i(bus_error[2'(PortCardWrite)]),
      .error_id_i(1'b0),
      .fault_o(copy_write_fault[1])
  );

  // The rules of the handshakes: only a soft reset withdraws an offer. The engine checks its own
  // requests and its own data.
  ls_handshake_check #(
      .Width($bits(request_t)),
      .Count(6)
  ) u_check_requests (
      .*,
      .clear_i(drain),
      .valid_i({
        fetch_req.valid,
        record_req.valid,
        copy_read[1].valid,
        copy_read[0].valid,
        copy_write[1].valid,
        copy_write[0].valid
      }),
      .ready_i({fetch_req_ready, record_req_ready, copy_read_ready, copy_write_ready}),
      .data_i({fetch_req, record_req, copy_read, copy_write})
  );
  ls_handshake_check #(
      .Width(DataWidth),
      .Count(3)
  ) u_check_data (
      .*,
      .clear_i(drain),
      .valid_i({record_valid, copy_wvalid}),
      .ready_i({record_ready, copy_wready}),
      .data_i ({record_data, {2{copy_wdata}}})
  );
  ls_handshake_check #(
      .Width($bits(beat_t) + DataWidth),
      .Count(2)
  ) u_check_beats (
      .*,
      .clear_i(drain),
      .valid_i({copy_beat[1].valid, copy_beat[0].valid}),
      .ready_i(copy_beat_ready),
      .data_i ({copy_beat[1], card_data, copy_beat[0], host_data})
  );
endmodule
