// Several readers on one read master: requests in turn, data by name.
module ls_read_mux #(
    parameter int unsigned Count = 3,  // readers
    localparam int unsigned IdWidth = $clog2(Count)
) (
    input  logic                     clk_i,
    input  logic                     rst_ni,
    input  logic                     clear_i,
    input  logic [  Count-1:0]       req_valid_i,
    output logic [  Count-1:0]       req_ready_o,
    input  logic [  Count-1:0][63:0] req_addr_i,
    input  logic [  Count-1:0][31:0] req_bytes_i,
    output logic [  Count-1:0]       data_valid_o,
    input  logic [  Count-1:0]       data_ready_i,
    output logic                     req_valid_o,
    input  logic                     req_ready_i,
    output logic [       63:0]       req_addr_o,
    output logic [       31:0]       req_bytes_o,
    output logic [IdWidth-1:0]       req_id_o,
    input  logic                     data_valid_i,
    output logic                     data_ready_o,
    input  logic [IdWidth-1:0]       data_id_i
);
  ls_arbiter #(
      .Count(Count)
  ) u_arbiter (
      .clk_i,
      .rst_ni,
      .clear_i,
      .request_i(req_valid_i),
      .valid_o  (req_valid_o),
      .ready_i  (req_ready_i),
      .index_o  (req_id_o)
  );

  always_comb begin
    req_ready_o = '0;
    data_valid_o = '0;
    req_ready_o[req_id_o] = req_valid_o && req_ready_i;
    data_valid_o[data_id_i] = data_valid_i;
  end
  assign req_addr_o   = req_addr_i[req_id_o];
  assign req_bytes_o  = req_bytes_i[req_id_o];
  assign data_ready_o = data_ready_i[data_id_i];

endmodule
