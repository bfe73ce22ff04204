// (33): the sum of a channel over the tokens of a sequence. A tree with a register at each level
// adds the lanes; a running sum adds the tiles.
module ls_pool_sum
  import ls_engine_pkg::*;
#(
    parameter int unsigned N = 16
) (
    input  logic                clk_i,
    input  logic                srst_n,
    input  slot_t               slot_i,      // with the word that it has read
    input  logic  [N-1:0][15:0] x_i,
    output logic                pool_valid,  // log2(N) + 2 cycles after the last word of a channel
    output logic  [ 31:0]       pool
);
  localparam int unsigned Levels = $clog2(N);

  typedef struct packed {
    logic valid;
    logic first;
    logic last;
  } mark_t;
  mark_t mark_q[Levels+1];  // of the word whose sums have passed this many levels
  always_ff @(posedge clk_i) begin
    mark_q[0] <= '{
        valid: srst_n && slot_i.valid && slot_i.kind == SlotPool,
        first: slot_i.first,
        last: slot_i.last
    };
    for (int unsigned s = 1; s <= Levels; s++) begin
      mark_q[s] <= mark_q[s-1];
      if (!srst_n) mark_q[s].valid <= 1'b0;
    end
  end

  // Node k is the sum of nodes 2 k and 2 k + 1; nodes N and above are the lanes.
  logic signed [15+Levels:0] node_q[1:2*N-1];
  for (genvar i = 0; i < N; i++) begin : gen_lane
    logic counts;
    assign counts = !slot_i.masked || 7'(i) < slot_i.lanes;
    always_ff @(posedge clk_i)
      if (slot_i.valid && slot_i.kind == SlotPool)
        node_q[N+i] <= counts ? (16 + Levels)'($signed(x_i[i])) : '0;
  end
  for (genvar k = 1; k < N; k++) begin : gen_node
    localparam int unsigned Passed = Levels - $clog2(k + 1);
    always_ff @(posedge clk_i) if (mark_q[Passed].valid) node_q[k] <= node_q[2*k] + node_q[2*k+1];
  end

  always_ff @(posedge clk_i) begin
    if (mark_q[Levels].valid) pool <= (mark_q[Levels].first ? '0 : pool) + 32'($signed(node_q[1]));
    pool_valid <= srst_n && mark_q[Levels].valid && mark_q[Levels].last;
  end
endmodule
