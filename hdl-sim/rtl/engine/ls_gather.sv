// Token ids from the host, their word rows from card memory into N banks of bytes.
module ls_gather
  import ls_bus_pkg::*;
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16
) (
    input  logic                      clk_i,
    input  logic                      srst_n,
    input  logic      [   63:0]       input_address,        // of the sequence's ids in host memory
    input  logic                      valid_i,
    output logic                      ready_o,
    input  instr_t                    instr_i,
    input  sem_vec_t                  sem,
    output sem_vec_t                  take_o,
    output sem_vec_t                  signal_o,
    output logic                      bad_token,            // an id or a type out of range
    // host
    output request_t                  host_req_o,
    input  logic                      host_read_req_ready,
    input  beat_t                     host_read_beat,
    input  logic      [N*8-1:0]       host_data,
    // card
    output card_ask_t                 ask_o,
    input  logic                      ask_ready_i,
    input  logic                      word_valid_i,
    input  beat_t                     card_read_beat,
    input  logic      [N*8-1:0]       card_data,
    // the embed pass
    input  logic                      gather_read,
    input  logic      [    9:0]       gather_channel,
    output logic      [  N-1:0][ 7:0] gather_word,
    output logic      [  N-1:0][11:0] gather_scale,
    output logic      [  N-1:0][ 1:0] gather_type
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
  logic [39:0] address_q;
  logic [2:0] ready_q;
  always_ff @(posedge clk_i) begin
    next_q     <= id_q[Bits'(asked_q)];
    distance_q <= 36'(next_q) * 36'(f.row_words);
    address_q  <= f.rows + 40'(distance_q) * 40'(N);
    if (state_q != StRows || (ask_o.valid && ask_ready_i)) ready_q <= '0;
    else ready_q <= {ready_q[1:0], 1'b1};
  end

  assign f = gather_t'(instr_i.payload);
  assign sems = (!instr_i.wait0.enable || sem[instr_i.wait0.index]);
  assign take_o = sem_bit(instr_i.wait0, state_q == StIdle && valid_i && sems);
  assign signal_o = sem_bit(instr_i.signal0, state_q == StEnd);
  assign ready_o = state_q == StEnd;
  assign host_req_o = '{
          valid: state_q == StIds && !asked_host_q,
          addr: input_address + 64'({f.first, 2'b00}),
          bytes: {23'd0, f.count, 2'b00}
      };
  assign ask_o = '{
          valid: state_q == StRows && asked_q != f.count && ready_q[2],
          address: address_q,
          words: 16'(f.row_words)
      };
  assign row_last = word_valid_i && card_read_beat.last;

  always_comb begin
    bad_token = 1'b0;
    for (int unsigned i = 0; i < PerBeat; i++) begin
      if (state_q == StIds && host_read_beat.valid && 8'(beat_q) * 8'(PerBeat) + 8'(i) < 8'(f.count) &&
          (25'(host_data[32*i+:24]) >= f.vocabulary || host_data[32*i+24+:8] >= 8'(f.types)))
        bad_token = 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!srst_n) begin
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
          if (host_read_req_ready) asked_host_q <= 1'b1;
          if (host_read_beat.valid) beat_q <= beat_q + 1'b1;
          if (host_read_beat.valid && host_read_beat.last) state_q <= StRows;
        end
        StRows: begin
          if (ask_o.valid && ask_ready_i) asked_q <= asked_q + 1'b1;
          if (word_valid_i) word_q <= row_last ? '0 : word_q + 1'b1;
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
    if (state_q == StIds && host_read_beat.valid) begin
      for (int unsigned i = 0; i < N; i++) begin
        if (3'(i / PerBeat) == beat_q) begin
          id_q[i] <= host_data[32*(i%PerBeat)+:24];
          gather_type[i] <= host_data[32*(i%PerBeat)+24+:2];
        end
      end
    end
    for (int unsigned i = 0; i < N; i++)
    if (row_last && got_q == 7'(i)) gather_scale[i] <= card_data[11:0];
    if (gather_read) byte_q <= Bits'(gather_channel);
  end

  // Channel c of lane i lies in bank (c + i) mod N. A word of a row fills one byte of each bank,
  // and a channel is read from all banks.
  logic [N-1:0][7:0] turned, read;
  ls_rotate_bytes #(
      .N(N)
  ) u_in (
      .bytes_i(card_data),
      .by_i   (Bits'(got_q)),
      .bytes_o(turned)
  );
  for (genvar i = 0; i < N; i++) begin : gen_bank
    logic [Bits-1:0] lane;
    assign lane = Bits'(i) - Bits'(gather_channel);
    ls_ram #(
        .Width(8),
        .Depth(Depth)
    ) u_bank (
        .*,
        .write_i(word_valid_i && !card_read_beat.last),
        .write_address_i({DBits'(word_q), Bits'(got_q)}),
        .write_data_i(turned[i]),
        .read_i(gather_read),
        .read_address_i({DBits'(gather_channel >> Bits), lane}),
        .read_data_o(read[i])
    );
  end
  ls_rotate_bytes #(
      .N(N)
  ) u_out (
      .bytes_i(read),
      .by_i   (-byte_q),
      .bytes_o(gather_word)
  );

`ifndef SYNTHESIS
  // Data comes for a lane that waits for it.
  count_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) word_valid_i |-> state_q == StRows && got_q < asked_q)
  else $error("a row that was not asked for");
  host_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) host_read_beat.valid |-> state_q == StIds && asked_host_q)
  else $error("ids that were not asked for");
`endif
endmodule
