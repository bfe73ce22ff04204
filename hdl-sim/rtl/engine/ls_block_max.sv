// The greatest value of all lanes, or of each half of the lanes: one comparison a cycle, log2(N)
// cycles in all.
module ls_block_max #(
    parameter int unsigned N = 16
) (
    input  logic               clk_i,
    input  logic               halves_i,
    input  logic [N-1:0][15:0] x_i,       // u16
    output logic [  1:0][15:0] max_o      // of the lower and the upper half, or twice of all lanes
);
  function automatic logic [15:0] greater(input logic [15:0] a, input logic [15:0] b);
    return a > b ? a : b;
  endfunction

  // Node k is the greater of nodes 2 k and 2 k + 1. Nodes N and above are the lanes, nodes 2 and 3
  // are the halves.
  logic [15:0] node_q[2:N-1];
  for (genvar k = 2; k < N; k++) begin : gen_node
    if (2 * k >= N) begin : gen_lanes
      always_ff @(posedge clk_i) node_q[k] <= greater(x_i[2*k-N], x_i[2*k+1-N]);
    end else begin : gen_nodes
      always_ff @(posedge clk_i) node_q[k] <= greater(node_q[2*k], node_q[2*k+1]);
    end
  end
  always_ff @(posedge clk_i)
    max_o <= halves_i ? {node_q[3], node_q[2]} : {2{greater(
        node_q[3], node_q[2]
    )}};
endmodule
