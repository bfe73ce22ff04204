// Passes: a scalar step on all lanes, then slots of the vector pipeline, one in each cycle that
// the drain leaves free.
module ls_pass
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16
) (
    input  logic     clk_i,
    input  logic     srst_n,
    input  logic     valid_i,
    output logic     ready_o,
    input  instr_t   instr_i,
    input  sem_vec_t sem,
    output sem_vec_t take_o,
    output sem_vec_t signal_o,
    output pass_t    fields,        // of the instruction at work
    output logic     latch,         // read the drain's statistics
    output logic     scalar_start,
    input  logic     scalar_done,
    output slot_t    pass_slot,
    input  logic     grant,
    input  logic     pool_room,
    input  logic     pool_idle,     // all pooled sums are in host memory
    output logic     sequence_end   // everything before an `end` is done
);
  // Cycles from the offer of a word until all that it writes has been written: the word enters the
  // pipeline one cycle after its offer, and the statistics follow the last stage by one cycle.
  localparam int unsigned Flush = VectorLast + 2;
  // Cycles from the latch of the statistics to the greatest value of a block.
  localparam int unsigned BlockMax = $clog2(N);

  typedef enum logic [2:0] {
    StIdle,
    StLatch,
    StStart,
    StScalar,
    StRun,
    StFlush
  } state_e;

  pass_t f;
  state_e state_q, state_d;
  logic [12:0] index_q;
  logic [ 7:0] turn_q;
  logic [19:0] source_q, destination_q;  // sums of the strides so far
  logic [4:0] wait_q;

  logic is_end, takes_statistics, sems, index_last, turn_last, go, want, pool;
  assign f = pass_t'(instr_i.payload);
  assign fields = f;
  assign is_end = instr_i.opcode == InstrEnd;
  assign sems = (!instr_i.wait0.enable || sem[instr_i.wait0.index]) &&
      (!instr_i.wait1.enable || sem[instr_i.wait1.index]);
  assign index_last = index_q == f.length - 1'b1;
  assign turn_last = turn_q == f.turns - 1'b1;
  assign pool = f.kind == KindPool;
  assign takes_statistics = f.scalar == ScalarMean || (f.scalar == ScalarScale && (f.block || !f.own)) ||
      (f.scalar inside {ScalarRho, ScalarSoft} && !f.own) || f.kind == KindExp;
  assign want = state_q == StRun && (!pool || pool_room);
  assign go = want && grant;

  always_comb begin
    state_d = state_q;
    ready_o = 1'b0;
    take_o = '0;
    signal_o = '0;
    latch = 1'b0;
    sequence_end = 1'b0;
    scalar_start = 1'b0;
    unique case (state_q)
      default:  // StIdle
      if (valid_i && sems && (!is_end || pool_idle)) begin
        take_o  = sem_bit(instr_i.wait0, 1'b1) | sem_bit(instr_i.wait1, 1'b1);
        latch   = !is_end && takes_statistics;
        state_d = is_end ? StFlush : StLatch;
      end
      StLatch:
      if (!f.block || wait_q == 5'(BlockMax - 1))
        state_d = f.scalar == ScalarNone ? (f.kind == KindNone ? StFlush : StRun) : StStart;
      StStart: begin
        scalar_start = 1'b1;
        state_d = StScalar;
      end
      StScalar: if (scalar_done) state_d = f.kind == KindNone ? StFlush : StRun;
      StRun: if (go && index_last && turn_last) state_d = StFlush;
      StFlush:
      if (f.kind == KindNone || wait_q == 5'(Flush - 1)) begin
        signal_o = sem_bit(instr_i.signal0, 1'b1) | sem_bit(instr_i.signal1, 1'b1);
        sequence_end = is_end;
        ready_o = 1'b1;
        state_d = StIdle;
      end
    endcase
  end

  slot_t slot_d;
  always_comb begin
    slot_d = '0;
    slot_d.valid = want;
    unique case (f.kind)
      KindEmbed: slot_d.kind = SlotEmbed;
      KindSquare: slot_d.kind = SlotSquare;
      KindNorm: slot_d.kind = SlotNorm;
      KindQuantize: slot_d.kind = SlotQuant;
      KindExp: slot_d.kind = SlotExp;
      KindPool: slot_d.kind = SlotPool;
      default: ;  // KindNone has no words
    endcase
    slot_d.read = f.source + source_q + 20'(index_q);
    slot_d.read_y = slot_d.read;
    slot_d.write = f.destination + destination_q + 20'(index_q);
    slot_d.second = f.second + 20'(index_q);
    slot_d.g = f.g + 12'(index_q);
    slot_d.channel = 10'(index_q);
    slot_d.stat = f.stat;
    slot_d.clear = index_q == '0;
    slot_d.odd = index_q[0];
    slot_d.first = pool ? turn_q == '0 : index_q == '0 && turn_q == '0;
    slot_d.last = turn_last;
    slot_d.masked = turn_last;
    slot_d.lanes = f.lanes;
    slot_d.from_y = f.from_y;
    slot_d.to_b = f.to_b;
  end
  assign pass_slot = slot_d;

  always_ff @(posedge clk_i) begin
    if (!srst_n) begin
      state_q <= StIdle;
      index_q <= '0;
      turn_q <= '0;
      source_q <= '0;
      destination_q <= '0;
      wait_q <= '0;
    end else begin
      state_q <= state_d;
      wait_q  <= state_d == state_q ? wait_q + 1'b1 : '0;
      if (go) begin
        if (pool) begin
          turn_q   <= turn_last ? '0 : turn_q + 1'b1;
          source_q <= turn_last ? '0 : source_q + 20'(f.s_turn);
          if (turn_last) index_q <= index_last ? '0 : index_q + 1'b1;
        end else begin
          index_q <= index_last ? '0 : index_q + 1'b1;
          if (index_last) begin
            turn_q        <= turn_last ? '0 : turn_q + 1'b1;
            source_q      <= turn_last ? '0 : source_q + 20'(f.s_turn);
            destination_q <= turn_last ? '0 : destination_q + 20'(f.d_turn);
          end
        end
      end
    end
  end
endmodule
