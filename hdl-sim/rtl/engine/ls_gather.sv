// Token ids from the host, their word rows from card memory into N banks of bytes.
module ls_gather
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16
) (
    input  logic                     clk_i,
    input  logic                     rst_ni,
    input  logic     [   63:0]       input_i,           // the sequence's ids in host memory
    input  logic                     valid_i,
    output logic                     ready_o,
    input  instr_t                   instr_i,
    input  sem_vec_t                 sem_i,
    output sem_vec_t                 take_o,
    output sem_vec_t                 signal_o,
    output logic                     error_o,           // an id or a type out of range
    // host
    output logic                     host_req_valid_o,
    input  logic                     host_req_ready_i,
    output logic     [   63:0]       host_req_addr_o,
    output logic     [   31:0]       host_req_bytes_o,
    input  logic                     host_rsp_valid_i,
    input  logic     [N*8-1:0]       host_rsp_data_i,
    input  logic                     host_rsp_last_i,
    // card
    output logic                     req_valid_o,
    input  logic                     req_ready_i,
    output logic     [   39:0]       req_address_o,
    output logic     [   15:0]       req_words_o,
    input  logic                     data_valid_i,
    input  logic                     data_last_i,
    input  logic     [N*8-1:0]       data_i,
    // the embed pass
    input  logic                     read_i,
    input  logic     [    9:0]       channel_i,
    output logic     [  N-1:0][ 7:0] word_o,
    output logic     [  N-1:0][11:0] scale_o,
    output logic     [  N-1:0][ 1:0] type_o
);
  localparam int unsigned PerBeat = N / 4;
  localparam int unsigned Depth = 1024;
  localparam int unsigned Bits = $clog2(N);
  localparam int unsigned DBits = $clog2(Depth) - Bits;

  typedef enum logic [1:0] {
    StIdle,
    StIds,
    StRows,
    StEnd
  } state_e;

  gather_t f;
  state_e state_q;
  logic [N-1:0][23:0] id_q;
  logic [2:0] beat_q;
  logic [6:0] asked_q, got_q;
  logic [11:0] word_q;
  logic sems, row_last, asked_host_q;
  logic [Bits-1:0] byte_q;
  // The next row's id, its distance from the first row in words, its address: a register each.
  logic [23:0] next_q;
  logic [35:0] distance_q;
  logic [2:0] ready_q;
  always_ff @(posedge clk_i) begin
    next_q        <= id_q[Bits'(asked_q)];
    distance_q    <= 36'(next_q) * 36'(f.row_words);
    req_address_o <= f.rows + 40'(distance_q) * 40'(N);
    if (state_q != StRows || (req_valid_o && req_ready_i)) ready_q <= '0;
    else ready_q <= {ready_q[1:0], 1'b1};
  end

  assign f = gather_t'(instr_i.payload);
  assign sems = (!instr_i.wait0.enable || sem_i[instr_i.wait0.index]);
  assign take_o = sem_bit(instr_i.wait0, state_q == StIdle && valid_i && sems);
  assign signal_o = sem_bit(instr_i.signal0, state_q == StEnd);
  assign ready_o = state_q == StEnd;
  assign host_req_valid_o = state_q == StIds && !asked_host_q;
  assign host_req_addr_o = input_i + 64'({f.first, 2'b00});
  assign host_req_bytes_o = {23'd0, f.count, 2'b00};
  assign req_valid_o = state_q == StRows && asked_q != f.count && ready_q[2];
  assign req_words_o = 16'(f.row_words);
  assign row_last = data_valid_i && data_last_i;

  always_comb begin
    error_o = 1'b0;
    for (int unsigned i = 0; i < PerBeat; i++) begin
      if (state_q == StIds && host_rsp_valid_i && 8'(beat_q) * 8'(PerBeat) + 8'(i) < 8'(f.count) &&
          (25'(host_rsp_data_i[32*i+:24]) >= f.vocabulary || host_rsp_data_i[32*i+24+:8] >= 8'(f.types)))
        error_o = 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      beat_q <= '0;
      asked_q <= '0;
      got_q <= '0;
      word_q <= '0;
      asked_host_q <= 1'b0;
    end else begin
      unique case (state_q)
        StIdle: if (valid_i && sems) state_q <= StIds;
        StIds: begin
          if (host_req_ready_i) asked_host_q <= 1'b1;
          if (host_rsp_valid_i) beat_q <= beat_q + 1'b1;
          if (host_rsp_valid_i && host_rsp_last_i) state_q <= StRows;
        end
        StRows: begin
          if (req_valid_o && req_ready_i) asked_q <= asked_q + 1'b1;
          if (data_valid_i) word_q <= row_last ? '0 : word_q + 1'b1;
          if (row_last) got_q <= got_q + 1'b1;
          if (got_q == f.count) state_q <= StEnd;
        end
        default: begin
          state_q <= StIdle;
          beat_q <= '0;
          asked_q <= '0;
          got_q <= '0;
          asked_host_q <= 1'b0;
        end
      endcase
    end
    if (state_q == StIds && host_rsp_valid_i) begin
      for (int unsigned i = 0; i < N; i++) begin
        if (3'(i / PerBeat) == beat_q) begin
          id_q[i]   <= host_rsp_data_i[32*(i%PerBeat)+:24];
          type_o[i] <= host_rsp_data_i[32*(i%PerBeat)+24+:2];
        end
      end
    end
    for (int unsigned i = 0; i < N; i++) if (row_last && got_q == 7'(i)) scale_o[i] <= data_i[11:0];
    if (read_i) byte_q <= Bits'(channel_i);
  end

  // Channel c of lane i lies in bank (c + i) mod N: a word of a row fills a byte of each bank, a channel is read from all.
  logic [N-1:0][7:0] turned, read;
  ls_rotate_bytes #(
      .N(N)
  ) u_in (
      .bytes_i(data_i),
      .by_i   (Bits'(got_q)),
      .bytes_o(turned)
  );
  for (genvar i = 0; i < N; i++) begin : gen_bank
    logic [Bits-1:0] lane;
    assign lane = Bits'(i) - Bits'(channel_i);
    ls_ram #(
        .Width(8),
        .Depth(Depth)
    ) u_bank (
        .clk_i,
        .write_i(data_valid_i && !data_last_i),
        .write_address_i({DBits'(word_q), Bits'(got_q)}),
        .write_data_i(turned[i]),
        .read_i(read_i),
        .read_address_i({DBits'(channel_i >> Bits), lane}),
        .read_data_o(read[i])
    );
  end
  ls_rotate_bytes #(
      .N(N)
  ) u_out (
      .bytes_i(read),
      .by_i   (-byte_q),
      .bytes_o(word_o)
  );

`ifndef SYNTHESIS
  // Data comes for a lane that waits for it.
  count_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) data_valid_i |-> state_q == StRows && got_q < asked_q)
  else $error("a row that was not asked for");
  host_a :
  assert property (@(posedge clk_i) disable iff (!rst_ni) host_rsp_valid_i |-> state_q == StIds && asked_host_q)
  else $error("ids that were not asked for");
`endif
endmodule
