// The engine: jobs in, memory ports, counters out. See DESIGN.md.
module ls_engine
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
    input  logic                clk_i,
    input  logic                rst_ni,
    // jobs
    input  logic                job_valid_i,
    output logic                job_ready_o,
    input  logic      [   39:0] job_program_i,
    input  logic      [   15:0] job_length_i,         // instructions
    input  logic      [   15:0] job_repeat_i,         // sequences
    input  logic      [   63:0] job_input_i,
    input  logic      [   31:0] job_input_stride_i,   // bytes from sequence to sequence
    input  logic      [   63:0] job_output_i,
    input  logic      [   31:0] job_output_stride_i,
    input  logic      [   15:0] job_tag_i,
    output logic                done_valid_o,
    input  logic                done_ready_i,
    output logic      [   15:0] done_tag_o,
    output logic      [    7:0] done_error_o,
    output logic      [   63:0] done_cycles_o,
    output logic      [   63:0] done_busy_o,
    input  logic                abort_i,
    // card memory, reads
    output logic                card_req_valid_o,
    input  logic                card_req_ready_i,
    output logic      [   63:0] card_req_addr_o,
    output logic      [   31:0] card_req_bytes_o,
    input  logic                card_rsp_valid_i,
    output logic                card_rsp_ready_o,
    input  logic      [N*8-1:0] card_rsp_data_i,
    input  logic                card_rsp_last_i,
    input  logic                card_rsp_error_i,
    // host memory, reads
    output logic                host_rd_req_valid_o,
    input  logic                host_rd_req_ready_i,
    output logic      [   63:0] host_rd_req_addr_o,
    output logic      [   31:0] host_rd_req_bytes_o,
    input  logic                host_rd_rsp_valid_i,
    output logic                host_rd_rsp_ready_o,
    input  logic      [N*8-1:0] host_rd_rsp_data_i,
    input  logic                host_rd_rsp_last_i,
    input  logic                host_rd_rsp_error_i,
    // host memory, writes
    output logic                host_wr_req_valid_o,
    input  logic                host_wr_req_ready_i,
    output logic      [   63:0] host_wr_req_addr_o,
    output logic      [   31:0] host_wr_req_bytes_o,
    output logic                host_wr_valid_o,
    input  logic                host_wr_ready_i,
    output logic      [N*8-1:0] host_wr_data_o,
    input  logic                host_wr_done_i,
    input  logic                host_wr_error_i,
    output counters_t           counters_o
);
  localparam int unsigned RingBits = $clog2(RingDepth);
  localparam int unsigned Bits = $clog2(N);
  localparam int unsigned QueueDepth = 16;

  // ---- jobs---------------------------------------------------------------------------------------------------
  logic unit_rst_n, running, start, step, sequence_end, illegal, bad_token, card_idle, host_writing;
  logic [39:0] program_address;
  logic [15:0] length, repeats;
  logic [63:0] input_address, output_address;
  ls_engine_jobs u_jobs (
      .clk_i,
      .rst_ni,
      .job_valid_i,
      .job_ready_o,
      .job_program_i,
      .job_length_i,
      .job_repeat_i,
      .job_input_i,
      .job_input_stride_i,
      .job_output_i,
      .job_output_stride_i,
      .job_tag_i,
      .done_valid_o,
      .done_ready_i,
      .done_tag_o,
      .done_error_o,
      .done_cycles_o,
      .done_busy_o,
      .abort_i,
      .sequence_end_i(sequence_end),
      .illegal_i(illegal),
      .bad_token_i(bad_token),
      .card_valid_i(card_rsp_valid_i),
      .card_error_i(card_rsp_error_i),
      .host_read_valid_i(host_rd_rsp_valid_i),
      .host_read_error_i(host_rd_rsp_error_i),
      .host_write_done_i(host_wr_done_i),
      .host_write_error_i(host_wr_error_i),
      .card_idle_i(card_idle),
      .host_read_asked_i(host_rd_req_valid_o && host_rd_req_ready_i),
      .host_read_last_i(host_rd_rsp_last_i),
      .host_write_asked_i(host_wr_req_valid_o && host_wr_req_ready_i),
      .host_writing_o(host_writing),
      .step_i(step),
      .unit_rst_no(unit_rst_n),
      .running_o(running),
      .start_o(start),
      .program_o(program_address),
      .length_o(length),
      .repeat_o(repeats),
      .input_o(input_address),
      .output_o(output_address)
  );

  // ---- card memory --------------------------------------------------------------------------------------------
  logic [2:0] mux_valid, mux_ready, mux_data_valid;
  logic [2:0][39:0] mux_address;
  logic [2:0][15:0] mux_words;
  logic mux_last;
  logic [N*8-1:0] mux_data;
  ls_card_mux #(
      .N(N)
  ) u_mux (
      .clk_i,
      .rst_ni,
      .valid_i     (unit_rst_n ? mux_valid : 3'b000),
      .ready_o     (mux_ready),
      .address_i   (mux_address),
      .words_i     (mux_words),
      .data_valid_o(mux_data_valid),
      .data_last_o (mux_last),
      .data_o      (mux_data),
      .idle_o      (card_idle),
      .req_valid_o (card_req_valid_o),
      .req_ready_i (card_req_ready_i),
      .req_addr_o  (card_req_addr_o),
      .req_bytes_o (card_req_bytes_o),
      .rsp_valid_i (card_rsp_valid_i),
      .rsp_ready_o (card_rsp_ready_o),
      .rsp_data_i  (card_rsp_data_i),
      .rsp_last_i  (card_rsp_last_i)
  );

  // ---- instructions -------------------------------------------------------------------------------------------
  logic [Units-1:0] put_valid, put_ready, get_valid, get_ready;
  instr_t put_instr;
  instr_t get_instr [Units];
  ls_dispatch #(
      .N(N)
  ) u_dispatch (
      .clk_i,
      .rst_ni       (unit_rst_n),
      .start_i      (start),
      .program_i    (program_address),
      .length_i     (length),
      .repeat_i     (repeats),
      .illegal_o    (illegal),
      .req_valid_o  (mux_valid[0]),
      .req_ready_i  (mux_ready[0]),
      .req_address_o(mux_address[0]),
      .req_words_o  (mux_words[0]),
      .data_valid_i (mux_data_valid[0]),
      .data_i       (mux_data),
      .queue_valid_o(put_valid),
      .queue_ready_i(put_ready),
      .instr_o      (put_instr)
  );
  for (genvar i = 0; i < Units; i++) begin : gen_queue
    logic next_valid, next_ready;
    logic [255:0] next_instr;
    ls_fifo #(
        .Width(256),
        .Depth(QueueDepth)
    ) u_queue (
        .clk_i,
        .rst_ni(1'b1),
        .clear_i(!unit_rst_n),
        .in_valid_i(put_valid[i]),
        .in_ready_o(put_ready[i]),
        .in_data_i(put_instr),
        .out_valid_o(next_valid),
        .out_ready_i(next_ready),
        .out_data_o(next_instr),
        .count_o()
    );
    // A unit compares the fields of its instruction with where it is: they come from flip-flops, not from the queue's memory.
    ls_stage #(
        .Width(256)
    ) u_instr (
        .clk_i,
        .rst_ni(1'b1),
        .clear_i(!unit_rst_n),
        .in_valid_i(next_valid),
        .in_ready_o(next_ready),
        .in_data_i(next_instr),
        .out_valid_o(get_valid[i]),
        .out_ready_i(get_ready[i]),
        .out_data_o(get_instr[i])
    );
  end

  sem_vec_t sem, take_g, take_x, take_d, take_p;
  sem_vec_t signals[4];
  ls_semaphores u_semaphores (
      .clk_i,
      .rst_ni  (unit_rst_n),
      .signal_i(signals),
      .take_i  (take_g | take_x | take_d | take_p),
      .ready_o (sem)
  );

  // ---- weights and word rows ----------------------------------------------------------------------------------
  logic [RingBits:0] level, free;
  logic ring_read;
  logic [RingBits-1:0] ring_address;
  logic [N-1:0][7:0] ring_word, b_word;
  ls_loader #(
      .N(N),
      .RingDepth(RingDepth)
  ) u_loader (
      .clk_i,
      .rst_ni       (unit_rst_n),
      .valid_i      (get_valid[UnitLoader]),
      .ready_o      (get_ready[UnitLoader]),
      .instr_i      (get_instr[UnitLoader]),
      .req_valid_o  (mux_valid[2]),
      .req_ready_i  (mux_ready[2]),
      .req_address_o(mux_address[2]),
      .req_words_o  (mux_words[2]),
      .data_valid_i (mux_data_valid[2]),
      .data_i       (mux_data),
      .level_o      (level),
      .free_i       (free),
      .read_i       (ring_read),
      .address_i    (ring_address),
      .word_o       (ring_word)
  );

  slot_t drain_slot, pass_slot;
  logic grant, gather_read;
  logic [9:0] gather_channel;
  logic [N-1:0][7:0] gather_word;
  logic [N-1:0][11:0] gather_scale;
  logic [N-1:0][1:0] gather_type;
  logic gather_req;
  assign host_rd_rsp_ready_o = 1'b1;
  // A job that has failed asks for nothing more: it may end in the next cycle.
  assign host_rd_req_valid_o = gather_req && unit_rst_n;
  ls_gather #(
      .N(N)
  ) u_gather (
      .clk_i,
      .rst_ni          (unit_rst_n),
      .input_i         (input_address),
      .valid_i         (get_valid[UnitGather]),
      .ready_o         (get_ready[UnitGather]),
      .instr_i         (get_instr[UnitGather]),
      .sem_i           (sem),
      .take_o          (take_g),
      .signal_o        (signals[0]),
      .error_o         (bad_token),
      .host_req_valid_o(gather_req),
      .host_req_ready_i(host_rd_req_ready_i),
      .host_req_addr_o (host_rd_req_addr_o),
      .host_req_bytes_o(host_rd_req_bytes_o),
      .host_rsp_valid_i(host_rd_rsp_valid_i),
      .host_rsp_data_i (host_rd_rsp_data_i),
      .host_rsp_last_i (host_rd_rsp_last_i),
      .req_valid_o     (mux_valid[1]),
      .req_ready_i     (mux_ready[1]),
      .req_address_o   (mux_address[1]),
      .req_words_o     (mux_words[1]),
      .data_valid_i    (mux_data_valid[1]),
      .data_last_i     (mux_last),
      .data_i          (mux_data),
      .read_i          (gather_read),
      .channel_i       (gather_channel),
      .word_o          (gather_word),
      .scale_o         (gather_scale),
      .type_o          (gather_type)
  );

  // ---- array --------------------------------------------------------------------------------------------------
  logic
      step_q,
      read_a,
      read_b,
      read_p,
      first,
      shift,
      last,
      from_p,
      low_plane,
      from_ring,
      plane,
      plane_done,
      panel_done;
  logic [19:0] a_address, b_address;
  logic header, header_bank, move_v, move_g, move_half;
  logic [ 3:0] header_index;
  logic [19:0] move_address;
  logic stall_weights, stall_operand, stall_plane;
  ls_sequencer #(
      .RingDepth(RingDepth)
  ) u_sequencer (
      .clk_i,
      .rst_ni         (unit_rst_n),
      .valid_i        (get_valid[UnitArray]),
      .ready_o        (get_ready[UnitArray]),
      .instr_i        (get_instr[UnitArray]),
      .sem_i          (sem),
      .take_o         (take_x),
      .signal_o       (signals[1]),
      .level_i        (level),
      .free_o         (free),
      .ring_read_o    (ring_read),
      .ring_address_o (ring_address),
      .read_o         (step),
      .read_a_o       (read_a),
      .read_b_o       (read_b),
      .read_p_o       (read_p),
      .a_address_o    (a_address),
      .b_address_o    (b_address),
      .step_o         (step_q),
      .first_o        (first),
      .shift_o        (shift),
      .last_o         (last),
      .from_p_o       (from_p),
      .low_plane_o    (low_plane),
      .from_ring_o    (from_ring),
      .plane_done_i   (plane_done),
      .panel_done_i   (panel_done),
      .header_o       (header),
      .header_index_o (header_index),
      .header_bank_o  (header_bank),
      .move_v_o       (move_v),
      .move_g_o       (move_g),
      .move_address_o (move_address),
      .move_half_o    (move_half),
      .stall_weights_o(stall_weights),
      .stall_operand_o(stall_operand),
      .stall_plane_o  (stall_plane)
  );

  logic a_we, b_we, p_we;
  logic [19:0] q_address, p_address;
  logic [N-1:0][7:0] q_word, a_operand;
  logic [N-1:0][13:0] p_in;
  ls_operands #(
      .N(N),
      .ADepth(ADepth),
      .BDepth(BDepth),
      .PDepth(PDepth)
  ) u_operands (
      .clk_i,
      .a_we_i(a_we),
      .b_we_i(b_we),
      .address_i(q_address),
      .word_i(q_word),
      .p_we_i(p_we),
      .p_address_i(p_address),
      .p_i(p_in),
      .a_read_i(read_a),
      .b_read_i(read_b),
      .p_read_i(read_p),
      .a_address_i(a_address),
      .b_address_i(b_address),
      .from_p_i(from_p),
      .low_plane_i(low_plane),
      .a_o(a_operand),
      .b_o(b_word)
  );

  logic by_row;
  logic [Bits-1:0] plane_index;
  logic [N-1:0][31:0] plane_data;
  ls_array #(
      .N(N)
  ) u_array (
      .clk_i,
      .rst_ni  (unit_rst_n),
      .valid_i (step_q),
      .first_i (first),
      .shift_i (shift),
      .last_i  (last),
      .a_i     (a_operand),
      .b_i     (from_ring ? ring_word : b_word),
      .plane_o (plane),
      .by_row_i(by_row),
      .index_i (plane_index),
      .data_o  (plane_data)
  );

  // ---- drain, passes, vector pipeline -------------------------------------------------------------------------
  logic [3:0] fraction_bits;
  logic [2:0][7:0][15:0] table_words;
  logic [15:0] offset;
  ls_drain #(
      .N(N)
  ) u_drain (
      .clk_i,
      .rst_ni         (unit_rst_n),
      .valid_i        (get_valid[UnitDrain]),
      .ready_o        (get_ready[UnitDrain]),
      .instr_i        (get_instr[UnitDrain]),
      .sem_i          (sem),
      .take_o         (take_d),
      .plane_i        (plane),
      .plane_done_o   (plane_done),
      .panel_done_o   (panel_done),
      .slot_o         (drain_slot),
      .table_o        (table_words),
      .fraction_bits_o(fraction_bits),
      .offset_o       (offset)
  );

  pass_t fields;
  logic latch, scalar_start, scalar_done, pool_room, pool_idle, pool_valid;
  logic [31:0] pool;
  sem_vec_t slot_signal;
  ls_pass #(
      .N(N)
  ) u_pass (
      .clk_i,
      .rst_ni        (unit_rst_n),
      .valid_i       (get_valid[UnitPass]),
      .ready_o       (get_ready[UnitPass]),
      .instr_i       (get_instr[UnitPass]),
      .sem_i         (sem),
      .take_o        (take_p),
      .signal_o      (signals[2]),
      .fields_o      (fields),
      .latch_o       (latch),
      .scalar_start_o(scalar_start),
      .scalar_done_i (scalar_done),
      .slot_o        (pass_slot),
      .grant_i       (grant),
      .pool_room_i   (pool_room),
      .pool_idle_i   (pool_idle),
      .end_o         (sequence_end)
  );
  assign signals[3] = slot_signal;

  ls_vector #(
      .N(N),
      .VDepth(VDepth),
      .YDepth(YDepth),
      .GWords(GWords),
      .RowScales(RowScales),
      .Stats(Stats)
  ) u_vector (
      .clk_i,
      .rst_ni          (unit_rst_n),
      .drain_i         (drain_slot),
      .pass_i          (pass_slot),
      .grant_o         (grant),
      .table_i         (table_words),
      .fraction_bits_i (fraction_bits),
      .offset_i        (offset),
      .plane_by_row_o  (by_row),
      .plane_index_o   (plane_index),
      .plane_i         (plane_data),
      .ring_i          (ring_word),
      .header_i        (header),
      .header_index_i  (header_index),
      .header_bank_i   (header_bank),
      .move_v_i        (move_v),
      .move_g_i        (move_g),
      .move_address_i  (move_address),
      .move_half_i     (move_half),
      .gather_read_o   (gather_read),
      .gather_channel_o(gather_channel),
      .gather_word_i   (gather_word),
      .gather_scale_i  (gather_scale),
      .gather_type_i   (gather_type),
      .pass_fields_i   (fields),
      .latch_i         (latch),
      .scalar_start_i  (scalar_start),
      .scalar_done_o   (scalar_done),
      .a_we_o          (a_we),
      .b_we_o          (b_we),
      .q_address_o     (q_address),
      .q_o             (q_word),
      .p_we_o          (p_we),
      .p_address_o     (p_address),
      .p_o             (p_in),
      .pool_valid_o    (pool_valid),
      .pool_o          (pool),
      .signal_o        (slot_signal)
  );

  logic writer_valid, writer_req;
  ls_pool_writer #(
      .N(N)
  ) u_writer (
      .clk_i,
      .rst_ni     (unit_rst_n),
      .address_i  (output_address),
      .length_i   (fields.length),
      .valid_i    (pool_valid),
      .data_i     (pool),
      .room_o     (pool_room),
      .idle_o     (pool_idle),
      .req_valid_o(writer_req),
      .req_ready_i(host_wr_req_ready_i),
      .req_addr_o (host_wr_req_addr_o),
      .req_bytes_o(host_wr_req_bytes_o),
      .valid_o    (writer_valid),
      .ready_i    (host_wr_ready_i),
      .data_o     (host_wr_data_o),
      .done_i     (host_wr_done_i)
  );
  assign host_wr_req_valid_o = writer_req && unit_rst_n;
  assign host_wr_valid_o = unit_rst_n ? writer_valid : host_writing;

  // ---- counters-----------------------------------------------------------------------------------------------
  ls_engine_counters u_counters (
      .clk_i,
      .rst_ni,
      .running_i(running),
      .step_i(step),
      .stall_weights_i(stall_weights),
      .stall_operand_i(stall_operand),
      .stall_plane_i(stall_plane),
      .drained_i(drain_slot.valid),
      .passed_i(pass_slot.valid && grant),
      .card_word_i(card_rsp_valid_i),
      .host_read_i(host_rd_rsp_valid_i),
      .host_written_i(host_wr_valid_o && host_wr_ready_i),
      .counters_o
  );

  // ---- rules of the handshakes inside -------------------------------------------------------------------------
`ifndef SYNTHESIS
  for (genvar i = 0; i < Units; i++) begin : gen_queue_check
    ls_handshake_check #(
        .Width(256)
    ) u_check (
        .clk_i,
        .rst_ni (unit_rst_n),
        .clear_i(1'b0),
        .valid_i(put_valid[i]),
        .ready_i(put_ready[i]),
        .data_i (put_instr)
    );
  end
  for (genvar i = 0; i < 3; i++) begin : gen_reader_check
    ls_handshake_check #(
        .Width(56)
    ) u_check (
        .clk_i,
        .rst_ni (unit_rst_n),
        .clear_i(1'b0),
        .valid_i(mux_valid[i]),
        .ready_i(mux_ready[i]),
        .data_i ({mux_address[i], mux_words[i]})
    );
  end
  ls_handshake_check #(
      .Width(96)
  ) u_card_check (
      .clk_i,
      .rst_ni (unit_rst_n),
      .clear_i(1'b0),
      .valid_i(card_req_valid_o),
      .ready_i(card_req_ready_i),
      .data_i ({card_req_addr_o, card_req_bytes_o})
  );
  ls_handshake_check #(
      .Width(96)
  ) u_host_read_check (
      .clk_i,
      .rst_ni (unit_rst_n),
      .clear_i(1'b0),
      .valid_i(host_rd_req_valid_o),
      .ready_i(host_rd_req_ready_i),
      .data_i ({host_rd_req_addr_o, host_rd_req_bytes_o})
  );
  ls_handshake_check #(
      .Width(96)
  ) u_host_write_check (
      .clk_i,
      .rst_ni (unit_rst_n),
      .clear_i(1'b0),
      .valid_i(host_wr_req_valid_o),
      .ready_i(host_wr_req_ready_i),
      .data_i ({host_wr_req_addr_o, host_wr_req_bytes_o})
  );
  ls_handshake_check #(
      .Width(N * 8)
  ) u_host_data_check (
      .clk_i,
      .rst_ni (unit_rst_n),
      .clear_i(1'b0),
      .valid_i(host_wr_valid_o),
      .ready_i(host_wr_ready_i),
      .data_i (host_wr_data_o)
  );
  ls_handshake_check #(
      .Width(24)
  ) u_done_check (
      .clk_i,
      .rst_ni,
      .clear_i(1'b0),
      .valid_i(done_valid_o),
      .ready_i(done_ready_i),
      .data_i ({done_tag_o, done_error_o})
  );
`endif
endmodule
