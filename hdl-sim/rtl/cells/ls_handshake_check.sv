// Asserts the ready/valid rules on channels of one width: an offer stays, unchanged, until it is
// taken.
module ls_handshake_check #(
    parameter int unsigned Width = 1,
    parameter int unsigned Count = 1   // channels
) (
    input logic                        clk_i,
    input logic                        rst_ni,
    input logic                        clear_i,  // offers may be withdrawn
    input logic [Count-1:0]            valid_i,
    input logic [Count-1:0]            ready_i,
    input logic [Count-1:0][Width-1:0] data_i
);
`ifndef SYNTHESIS
  for (genvar i = 0; i < Count; i++) begin : gen_channel
    logic             waiting_q;
    logic [Width-1:0] data_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) waiting_q <= 1'b0;
      else waiting_q <= valid_i[i] && !ready_i[i] && !clear_i;
    end
    always_ff @(posedge clk_i) data_q <= data_i[i];

    always_ff @(posedge clk_i) begin
      if (rst_ni && waiting_q && !clear_i) begin
        // An offer is not withdrawn.
        a_valid :
        assert (valid_i[i])
        else $error("valid");
        // Its payload does not change.
        a_data :
        assert (data_i[i] == data_q)
        else $error("data");
      end
    end
  end
`else
  logic unused;
  assign unused = ^{clk_i, rst_ni, clear_i, valid_i, ready_i, data_i};
`endif
endmodule
