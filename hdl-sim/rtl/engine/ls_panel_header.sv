// Two panel headers: one of the panel that is drained, one of the next panel. Each holds the
// parameters of N columns.
module ls_panel_header #(
    parameter int unsigned N = 16
) (
    input  logic                       clk_i,
    // a word of the ring
    input  logic                       write_i,
    input  logic [          3:0]       index_i,
    input  logic                       bank_i,
    input  logic [        N-1:0][ 7:0] ring_i,
    // the parameters that go to the lanes, a cycle later: one column's, or each its own
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
  // Each word has its own enable. An index would put a multiplexer in front of every bit.
  function automatic logic due(input int unsigned bank, input int unsigned index);
    return write_i && bank_i == 1'(bank) && index_i == 4'(index);
  endfunction
  always_ff @(posedge clk_i) begin
    for (int unsigned bank = 0; bank < 2; bank++) begin
      for (int unsigned i = 0; i < 2; i++) begin
        if (due(bank, i)) head_c[bank][i*(N/2)+:N/2] <= ring_i;
        if (due(bank, i + 6)) head_eq[bank][i*(N/2)+:N/2] <= ring_i;
      end
      for (int unsigned i = 0; i < 4; i++) begin
        if (due(bank, i + 2)) head_b[bank][i*(N/4)+:N/4] <= ring_i;
        if (due(bank, i + 8)) head_z[bank][i*(N/4)+:N/4] <= ring_i;
      end
    end
  end

  // The parameters of one column are chosen once for all lanes.
  logic [N-1:0][15:0] c, eq;
  logic [N-1:0][31:0] b, z;
  assign c  = head_c[read_bank_i];
  assign b  = head_b[read_bank_i];
  assign z  = head_z[read_bank_i];
  assign eq = head_eq[read_bank_i];
  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < N; i++) begin
      c_o[i] <= by_row_i ? c[i][14:0] : c[column_i][14:0];
      b_o[i] <= by_row_i ? b[i] : b[column_i];
      z_o[i] <= by_row_i ? z[i] : z[column_i];
    end
    eq_o <= eq[column_i][14:0];
  end
endmodule
