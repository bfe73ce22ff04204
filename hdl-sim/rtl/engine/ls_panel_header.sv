// Two panel headers, one of the panel that is drained, one of the next: parameters of N columns each.
module ls_panel_header #(
    parameter int unsigned N = 16
) (
    input  logic                       clk_i,
    // a word of the ring
    input  logic                       write_i,
    input  logic [          3:0]       index_i,
    input  logic                       bank_i,
    input  logic [        N-1:0][ 7:0] ring_i,
    // the parameters that go to the lanes: one column's, or each its own
    input  logic                       read_bank_i,
    input  logic                       by_row_i,
    input  logic [$clog2(N)-1:0]       column_i,
    output logic [        N-1:0][14:0] c_o,
    output logic [        N-1:0][31:0] b_o,
    output logic [        N-1:0][31:0] z_o,
    output logic [         14:0]       eq_o          // of the column
);
  logic [1:0][N-1:0][15:0] head_c, head_eq;
  logic [1:0][N-1:0][31:0] head_b, head_z;
  always_ff @(posedge clk_i) begin
    if (write_i) begin
      unique case (index_i)
        4'd0, 4'd1: head_c[bank_i][index_i[0]*(N/2)+:N/2] <= ring_i;
        4'd2, 4'd3, 4'd4, 4'd5: head_b[bank_i][2'(index_i-4'd2)*(N/4)+:N/4] <= ring_i;
        4'd6, 4'd7: head_eq[bank_i][index_i[0]*(N/2)+:N/2] <= ring_i;
        default: head_z[bank_i][index_i[1:0]*(N/4)+:N/4] <= ring_i;
      endcase
    end
  end

  logic [N-1:0][15:0] c;
  always_comb begin
    if (by_row_i) begin
      c   = head_c[read_bank_i];
      b_o = head_b[read_bank_i];
      z_o = head_z[read_bank_i];
    end else begin
      c   = {N{head_c[read_bank_i][column_i]}};
      b_o = {N{head_b[read_bank_i][column_i]}};
      z_o = {N{head_z[read_bank_i][column_i]}};
    end
    for (int unsigned i = 0; i < N; i++) c_o[i] = c[i][14:0];
  end
  assign eq_o = head_eq[read_bank_i][column_i][14:0];
endmodule
