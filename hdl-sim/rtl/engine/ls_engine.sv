// The engine: jobs in, memory ports, counters out. See DESIGN.md.
module ls_engine
  import ls_bus_pkg::*;
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16,
    parameter int unsigned RingDepth = lockstep_pkg::depth_ring(N),
    // Words of the memories: 512 tokens of 1024 channels and 4096 behind the activation.
    parameter int unsigned ADepth = lockstep_pkg::depth_a(N),
    parameter int unsigned BDepth = lockstep_pkg::depth_b(N),
    parameter int unsigned PDepth = lockstep_pkg::depth_p(N),
    parameter int unsigned VDepth = lockstep_pkg::depth_v(N),
    parameter int unsigned YDepth = lockstep_pkg::depth_y(N),
    parameter int unsigned GWords = lockstep_pkg::depth_g(N),
    parameter int unsigned RowScales = lockstep_pkg::depth_row_scales(N),
    parameter int unsigned Stats = lockstep_pkg::depth_statistics(N)
) (
    input logic clk_i,
    input logic engine_srst_n,
    input job_t engine_job,
    output logic engine_job_ready,
    output done_t engine_done,
    input logic engine_abort,
    // memory; the engine takes read data at once
    output request_t card_read_req,
    input logic card_read_req_ready,
    input beat_t card_read_beat,
    input logic [N*8-1:0] card_data,
    output request_t host_read_req,
    input logic host_read_req_ready,
    input beat_t host_read_beat,
    input logic [N*8-1:0] host_data,
    output request_t host_write_req,
    input logic host_write_req_ready,
    output logic host_write_valid,
    output logic [N*8-1:0] host_write_data,
    input logic host_write_ready,
    input answer_t host_write_done,
    output counters_t counts
);
  localparam int unsigned RingBits = $clog2(RingDepth);
  localparam int unsigned QueueDepth = 16;
  // Readers of card memory, the first one first.
  localparam int unsigned AskDispatch = 0;
  localparam int unsigned AskGather = 1;
  localparam int unsigned AskLoader = 2;

  // ---- jobs
  logic srst_n, running, start, step, sequence_end, illegal, bad_token, card_idle, host_writing;
  logic [39:0] program_address;
  logic [15:0] length, repeats;
  logic [63:0] input_address, output_address;
  ls_engine_jobs u_jobs (.*);

  // ---- card memory: a failed job asks for nothing more
  card_ask_t [2:0] ask, ask_now;
  logic [2:0] ask_ready, word_valid;
  always_comb begin
    ask_now = ask;
    for (int unsigned i = 0; i < 3; i++) ask_now[i].valid = ask[i].valid && srst_n;
  end
  ls_card_mux #(
      .N(N)
  ) u_mux (
      .*,
      .ask_i(ask_now)
  );

  // ---- instructions
  logic [Units-1:0] put_valid, put_ready, get_valid, get_ready;
  instr_t put_instr;
  instr_t get_instr [Units];
  ls_dispatch #(
      .N(N)
  ) u_dispatch (
      .*,
      .ask_o(ask[AskDispatch]),
      .ask_ready_i(ask_ready[AskDispatch]),
      .word_valid_i(word_valid[AskDispatch])
  );
  for (genvar i = 0; i < Units; i++) begin : gen_queue
    logic next_valid, next_ready;
    instr_t next_instr;
    ls_fifo #(
        .Width(256),
        .Depth(QueueDepth)
    ) u_queue (
        .*,
        .rst_ni(1'b1),
        .clear_i(!srst_n),
        .in_valid_i(put_valid[i]),
        .in_ready_o(put_ready[i]),
        .in_data_i(put_instr),
        .out_valid_o(next_valid),
        .out_ready_i(next_ready),
        .out_data_o(next_instr)
    );
    // A unit compares the fields of its instruction with its own counters. So the fields come from
    // flip-flops, not from the memory of the queue.
    ls_stage #(
        .Width(256)
    ) u_instr (
        .*,
        .rst_ni(1'b1),
        .clear_i(!srst_n),
        .in_valid_i(next_valid),
        .in_ready_o(next_ready),
        .in_data_i(next_instr),
        .out_valid_o(get_valid[i]),
        .out_ready_i(get_ready[i]),
        .out_data_o(get_instr[i])
    );
  end

  sem_vec_t sem, take_g, take_x, take_d, take_p;
  sem_vec_t [3:0] signals;
  ls_semaphores u_semaphores (
      .*,
      .take(take_g | take_x | take_d | take_p)
  );

  // ---- weights and word rows
  logic [RingBits:0] level, free;
  logic ring_read;
  logic [RingBits-1:0] ring_address;
  logic [N-1:0][7:0] ring_word;
  ls_loader #(
      .N(N),
      .RingDepth(RingDepth)
  ) u_loader (
      .*,
      .valid_i(get_valid[UnitLoader]),
      .ready_o(get_ready[UnitLoader]),
      .instr_i(get_instr[UnitLoader]),
      .ask_o(ask[AskLoader]),
      .ask_ready_i(ask_ready[AskLoader]),
      .word_valid_i(word_valid[AskLoader])
  );

  request_t gather_req;
  logic gather_read;
  logic [9:0] gather_channel;
  logic [N-1:0][7:0] gather_word;
  logic [N-1:0][11:0] gather_scale;
  logic [N-1:0][1:0] gather_type;
  // A failed job asks for nothing more: it may end in the next cycle.
  always_comb begin
    host_read_req = gather_req;
    host_read_req.valid = gather_req.valid && srst_n;
  end
  ls_gather #(
      .N(N)
  ) u_gather (
      .*,
      .valid_i(get_valid[UnitGather]),
      .ready_o(get_ready[UnitGather]),
      .instr_i(get_instr[UnitGather]),
      .take_o(take_g),
      .signal_o(signals[0]),
      .host_req_o(gather_req),
      .ask_o(ask[AskGather]),
      .ask_ready_i(ask_ready[AskGather]),
      .word_valid_i(word_valid[AskGather])
  );

  // ---- array
  operand_read_t read;
  array_word_t word;
  operand_write_t operand_write;
  stall_t stall;
  logic plane, plane_done, panel_done, plane_by_row;
  logic [$clog2(N)-1:0] plane_index;
  logic [N-1:0][7:0] q_word, a_operand, b_operand;
  logic [N-1:0][13:0] p_word;
  logic [N-1:0][31:0] plane_data;
  ls_sequencer #(
      .RingDepth(RingDepth)
  ) u_sequencer (
      .*,
      .valid_i (get_valid[UnitArray]),
      .ready_o (get_ready[UnitArray]),
      .instr_i (get_instr[UnitArray]),
      .take_o  (take_x),
      .signal_o(signals[1])
  );
  ls_operands #(
      .N(N),
      .ADepth(ADepth),
      .BDepth(BDepth),
      .PDepth(PDepth)
  ) u_operands (
      .*
  );
  ls_array #(.N(N)) u_array (.*);

  // ---- drain, passes, vector pipeline
  slot_t drain_slot, pass_slot;
  activation_t activation;
  pass_t fields;
  logic grant, latch, scalar_start, scalar_done, pool_room, pool_idle, pool_valid;
  logic [31:0] pool;
  ls_drain #(
      .N(N)
  ) u_drain (
      .*,
      .valid_i(get_valid[UnitDrain]),
      .ready_o(get_ready[UnitDrain]),
      .instr_i(get_instr[UnitDrain]),
      .take_o (take_d)
  );
  ls_pass #(
      .N(N)
  ) u_pass (
      .*,
      .valid_i (get_valid[UnitPass]),
      .ready_o (get_ready[UnitPass]),
      .instr_i (get_instr[UnitPass]),
      .take_o  (take_p),
      .signal_o(signals[2])
  );
  ls_vector #(
      .N(N),
      .VDepth(VDepth),
      .YDepth(YDepth),
      .GWords(GWords),
      .RowScales(RowScales),
      .Stats(Stats)
  ) u_vector (
      .*,
      .signal_o(signals[3])
  );

  request_t writer_req;
  logic writer_valid;
  ls_pool_writer #(
      .N(N)
  ) u_writer (
      .*,
      .length_i(fields.length),
      .req_o(writer_req),
      .valid_o(writer_valid)
  );
  always_comb begin
    host_write_req = writer_req;
    host_write_req.valid = writer_req.valid && srst_n;
  end
  assign host_write_valid = srst_n ? writer_valid : host_writing;

  // ---- counters
  ls_engine_counters u_counters (
      .*,
      .drained_i(drain_slot.valid),
      .passed_i(pass_slot.valid && grant),
      .host_written_i(host_write_valid && host_write_ready)
  );

  // ---- the rules of the handshakes inside
  ls_handshake_check #(
      .Width(256),
      .Count(Units)
  ) u_check_queues (
      .*,
      .rst_ni (srst_n),
      .clear_i(1'b0),
      .valid_i(put_valid),
      .ready_i(put_ready),
      .data_i ({Units{put_instr}})
  );
  ls_handshake_check #(
      .Width($bits(card_ask_t)),
      .Count(3)
  ) u_check_asks (
      .*,
      .rst_ni (srst_n),
      .clear_i(1'b0),
      .valid_i({ask[2].valid, ask[1].valid, ask[0].valid}),
      .ready_i(ask_ready),
      .data_i (ask)
  );
  ls_handshake_check #(
      .Width($bits(request_t)),
      .Count(3)
  ) u_check_requests (
      .*,
      .rst_ni (srst_n),
      .clear_i(1'b0),
      .valid_i({card_read_req.valid, host_read_req.valid, host_write_req.valid}),
      .ready_i({card_read_req_ready, host_read_req_ready, host_write_req_ready}),
      .data_i ({card_read_req, host_read_req, host_write_req})
  );
  ls_handshake_check #(
      .Width(N * 8)
  ) u_check_data (
      .*,
      .rst_ni (srst_n),
      .clear_i(1'b0),
      .valid_i(host_write_valid),
      .ready_i(host_write_ready),
      .data_i (host_write_data)
  );
endmodule
