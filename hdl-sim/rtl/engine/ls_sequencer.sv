// Controls the array: walks the tiles of a `mac` instruction, reads panel headers, and moves
// parameters out of the ring.
module ls_sequencer
  import ls_isa_pkg::*;
  import ls_engine_pkg::*;
#(
    parameter  int unsigned RingDepth = 8192,
    localparam int unsigned RingBits  = $clog2(RingDepth)
) (
    input  logic                         clk_i,
    input  logic                         srst_n,
    input  logic                         valid_i,
    output logic                         ready_o,
    input  instr_t                       instr_i,
    input  sem_vec_t                     sem,
    output sem_vec_t                     take_o,
    output sem_vec_t                     signal_o,
    // The ring. Its reads are registered, as those of the operands are.
    input  logic          [  RingBits:0] level,         // words in the ring
    output logic          [  RingBits:0] free,          // words that leave the ring
    output logic                         ring_read,
    output logic          [RingBits-1:0] ring_address,
    output logic                         step,          // of the array; its reads follow
    output operand_read_t                read,          // a cycle after `step`
    output array_word_t                  word,          // a cycle after `read`
    input  logic                         plane_done,    // the drain has read a plane
    input  logic                         panel_done,    // the drain has finished a panel
    output stall_t                       stall
);
  localparam int unsigned HeaderWords = 12;

  array_word_t read_q;  // what to do with the words that are asked for
  mac_t mac;
  move_t move;
  assign mac  = mac_t'(instr_i.payload);
  assign move = move_t'(instr_i.payload);

  logic [12:0] k_q;
  logic [9:0] outer_q;
  logic [7:0] inner_q;
  logic low_q;
  logic [19:0] a_outer_q, a_inner_q, b_outer_q, b_inner_q;  // sums of the strides so far
  logic [RingBits-1:0] head_q;
  logic                loaded_q;  // the panel's header is there
  logic [         3:0] header_q;
  logic                bank_q;
  logic                plane_busy_q;
  logic [        19:0] moved_q;

  logic
      is_mac,
      is_move,
      start,
      waits0,
      waits1,
      sems,
      k_last,
      tile_last,
      inner_last,
      outer_last,
      panel_last;
  logic header_step, header_end, move_step, move_end, done;
  logic [RingBits:0] needed;

  assign is_mac = valid_i && instr_i.opcode == InstrMac;
  assign is_move = valid_i && instr_i.opcode == InstrMove;
  assign k_last = k_q == mac.k - 1'b1;
  assign tile_last = k_last && (!mac.planes || low_q);
  assign inner_last = inner_q == mac.inner - 1'b1;
  assign outer_last = outer_q == mac.outer - 1'b1;
  assign panel_last = mac.ring && inner_last;

  function automatic logic due(input sem_ref_t r);
    unique case (r.when_)
      WhenOnce:  due = r.enable && outer_q == '0 && inner_q == '0;
      WhenInner: due = r.enable && outer_q == '0;
      default:   due = r.enable && inner_q == '0;
    endcase
  endfunction
  function automatic logic reached(input sem_ref_t r);
    unique case (r.when_)
      WhenOnce:  reached = r.enable && outer_last && inner_last;
      WhenInner: reached = r.enable && outer_last;
      default:   reached = r.enable && inner_last;
    endcase
  endfunction

  assign start = k_q == '0 && !low_q;
  assign waits0 = is_mac ? start && due(instr_i.wait0) : instr_i.wait0.enable && moved_q == '0;
  assign waits1 = is_mac ? start && due(instr_i.wait1) : instr_i.wait1.enable && moved_q == '0;
  assign sems = (!waits0 || sem[instr_i.wait0.index]) && (!waits1 || sem[instr_i.wait1.index]);

  // A header is read before the first tile of a panel. Its bank is free: the last step before it
  // waited until the plane before was drained, so the drain no longer reads that bank.
  assign header_step = is_mac && mac.ring && !loaded_q && level > (RingBits + 1)'(header_q);
  assign header_end = header_step && header_q == 4'(HeaderWords - 1);
  assign needed = (RingBits + 1)'(HeaderWords) + (RingBits + 1)'(k_q);
  assign step = is_mac && (!mac.ring || (loaded_q && level > needed)) && sems && !(tile_last && plane_busy_q);
  assign move_step = is_move && sems && level != '0;
  assign move_end = move_step && moved_q == move.words - 1'b1;
  assign done = step && tile_last && inner_last && outer_last;
  assign ready_o = done || move_end;

  always_comb begin
    free = '0;
    if (move_step) free = (RingBits + 1)'(1);
    else if (step && tile_last && panel_last)
      free = (RingBits + 1)'(HeaderWords) + (RingBits + 1)'(mac.k);
  end

  always_comb begin
    take_o   = '0;
    signal_o = '0;
    if (step || move_step) take_o = sem_bit(instr_i.wait0, waits0) | sem_bit(instr_i.wait1, waits1);
    if (step && tile_last)
      signal_o = sem_bit(
        instr_i.signal0, reached(instr_i.signal0)
      ) | sem_bit(
        instr_i.signal1, reached(instr_i.signal1)
      );
    if (move_end) signal_o = sem_bit(instr_i.signal0, 1'b1) | sem_bit(instr_i.signal1, 1'b1);
  end

  always_ff @(posedge clk_i) begin
    // The reads.
    read <= '{
        a: step && !mac.planes,
        b: step && !mac.ring,
        p: step && mac.planes,
        a_address: mac.a + a_outer_q + a_inner_q + 20'(k_q),
        b_address: mac.b + b_outer_q + b_inner_q + 20'(k_q)
    };
    ring_read <= header_step || move_step || (step && mac.ring);
    ring_address <= head_q + (is_move ? '0 : loaded_q ? RingBits'(needed) : RingBits'(header_q));

    // What is done with the words.
    read_q <= '{
        step: step,
        first: start,
        shift: low_q && k_q == '0,
        last: tile_last,
        from_p: mac.planes,
        low_plane: low_q,
        from_ring: mac.ring,
        header: header_step,
        header_index: header_q,
        header_bank: bank_q,
        move_v: move_step && move.to_v,
        move_g: move_step && !move.to_v,
        move_half: moved_q[0],
        move_address: move.destination + (move.to_v ? moved_q >> 1 : moved_q)
    };
    word <= read_q;

    if (!srst_n) begin
      {read.a, read.b, read.p, ring_read} <= '0;
      read_q <= '0;
      word <= '0;
      k_q <= '0;
      outer_q <= '0;
      inner_q <= '0;
      low_q <= 1'b0;
      a_outer_q <= '0;
      a_inner_q <= '0;
      b_outer_q <= '0;
      b_inner_q <= '0;
      head_q <= '0;
      loaded_q <= 1'b0;
      header_q <= '0;
      bank_q <= 1'b0;
      plane_busy_q <= 1'b0;
      moved_q <= '0;
    end else begin
      head_q <= head_q + RingBits'(free);
      if (step && tile_last) plane_busy_q <= 1'b1;
      else if (plane_done) plane_busy_q <= 1'b0;
      if (header_step) header_q <= header_end ? '0 : header_q + 1'b1;
      if (header_end) begin
        loaded_q <= 1'b1;
        bank_q   <= !bank_q;
      end
      if (move_step) moved_q <= move_end ? '0 : moved_q + 1'b1;
      if (step) begin
        k_q <= k_last ? '0 : k_q + 1'b1;
        if (k_last && mac.planes) low_q <= !low_q;
        if (tile_last) begin
          inner_q   <= inner_last ? '0 : inner_q + 1'b1;
          a_inner_q <= inner_last ? '0 : a_inner_q + 20'(mac.a_inner);
          b_inner_q <= inner_last ? '0 : b_inner_q + 20'(mac.b_inner);
          if (inner_last) begin
            if (mac.ring) loaded_q <= 1'b0;
            outer_q   <= outer_last ? '0 : outer_q + 1'b1;
            a_outer_q <= outer_last ? '0 : a_outer_q + 20'(mac.a_outer);
            b_outer_q <= outer_last ? '0 : b_outer_q + 20'(mac.b_outer);
          end
        end
      end
    end
  end

`ifndef SYNTHESIS
  logic [1:0] panels_q;  // begun and not finished by the drain
  always_ff @(posedge clk_i) begin
    if (!srst_n) panels_q <= '0;
    else panels_q <= panels_q + 2'(header_end) - 2'(panel_done);
  end
  // A header goes to a bank that the drain has left.
  bank_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) header_step |-> panels_q != 2'd2)
  else $error("a header overwrites one in use");
  // The drain finishes no panel that has not begun.
  panels_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) panel_done |-> panels_q != '0)
  else $error("a panel ends that has not begun");
  // Only words that are in the ring leave it.
  ring_a :
  assert property (@(posedge clk_i) disable iff (!srst_n) free <= level)
  else $error("more words are freed than there are");
`endif

  assign stall = '{
          operand: is_mac && !sems,
          plane: is_mac && sems && tile_last && plane_busy_q,
          weights: is_mac && sems && mac.ring && loaded_q && level <= needed
      };
endmodule
