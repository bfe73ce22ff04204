// A skid buffer with any inputs gives back its words in order, offers a word whenever it holds
// one, and takes a word whenever it has room. The proof compares the cell with a list in every
// cycle.
module fv_skid #(
    localparam int unsigned Depth = 2,
    localparam int unsigned Width = 2
) (
    input logic             clk_i,
    input logic             clear_i,
    input logic             in_valid_i,
    input logic [Width-1:0] in_data_i,
    input logic             out_ready_i
);
  logic rst_n = 1'b0;
  logic in_ready, out_valid;
  logic [Width-1:0] out_data;

  // The list: word 0 leaves next.
  logic [Depth-1:0][Width-1:0] list_q, list_d;
  logic [7:0] length_q = '0;
  logic [7:0] length_d;

  always_ff @(posedge clk_i) rst_n <= 1'b1;

  ls_skid #(
      .Width(Width)
  ) u_cell (
      .clk_i,
      .rst_ni(rst_n),
      .clear_i,
      .in_valid_i,
      .in_ready_o(in_ready),
      .in_data_i,
      .out_valid_o(out_valid),
      .out_ready_i,
      .out_data_o(out_data)
  );

  always_comb begin
    list_d   = list_q;
    length_d = length_q;
    if (out_valid && out_ready_i) begin
      list_d   = list_q >> Width;
      length_d = length_q - 8'd1;
    end
    if (in_valid_i && in_ready) begin
      list_d[length_d] = in_data_i;
      length_d = length_d + 8'd1;
    end
    if (clear_i) length_d = '0;
  end

  always_ff @(posedge clk_i) begin
    if (rst_n) begin
      list_q   <= list_d;
      length_q <= length_d;
    end
  end

  always_comb begin
    if (rst_n) begin
      // It offers a word whenever it holds one.
      a_offer : assert (out_valid == (length_q != '0));
      // It is the oldest one.
      a_order : assert (!out_valid || out_data == list_q[0]);
      // It takes a word whenever it has room.
      a_room : assert (in_ready == (32'(length_q) != Depth));
    end
  end
endmodule
