// A write port: an AXI4 master that several users share in turn, and the address of each user's
// first failed transfer. The master takes the data of one request after the other.
module ls_write_port
  import ls_bus_pkg::*;
#(
    parameter int unsigned Count       = 3,    // at least 2
    parameter int unsigned DataWidth   = 128,
    parameter int unsigned MaxBeats    = 16,
    parameter int unsigned Outstanding = 8
) (
    input  logic                                            clk_i,
    input  logic                                            rst_ni,
    input  logic                                            drain,
    input  logic                                            clear_i,
    output logic                                            idle_o,
    input  request_t       [      Count-1:0]                req_i,
    output logic           [      Count-1:0]                req_ready_o,
    input  logic           [      Count-1:0]                data_valid_i,
    output logic           [      Count-1:0]                data_ready_o,
    input  logic           [      Count-1:0][DataWidth-1:0] data_i,
    output answer_t        [      Count-1:0]                done_o,
    input  logic           [      Count-1:0]                fault_clear_i,
    output fault_t         [      Count-1:0]                fault_o,
    output bus_error_t                                      error_o,
    output axi_write_out_t                                  axi_o,
    input  axi_write_in_t                                   axi_i,
    output logic           [  DataWidth-1:0]                axi_wdata_o,
    output logic           [DataWidth/8-1:0]                axi_wstrb_o
);
  localparam int unsigned IdWidth = $clog2(Count);

  request_t req;
  answer_t  done;
  logic any, req_ready, data_ready;
  logic [Count-1:0] asks;
  logic [IdWidth-1:0] req_id, data_id, done_id;

  for (genvar i = 0; i < Count; i++) begin : gen_user
    assign asks[i] = req_i[i].valid;
    assign req_ready_o[i] = req.valid && req_ready && req_id == IdWidth'(i);
    assign data_ready_o[i] = data_ready && data_id == IdWidth'(i);
    assign done_o[i] = '{valid: done.valid && done_id == IdWidth'(i), error: done.error};
  end

  ls_arbiter #(
      .Count(Count)
  ) u_arbiter (
      .*,
      .clear_i  (drain),
      .request_i(asks),
      .valid_o  (any),
      .ready_i  (req_ready),
      .index_o  (req_id)
  );
  always_comb begin
    req = req_i[req_id];
    req.valid = any;
  end

  ls_axi_write #(
      .DataWidth  (DataWidth),
      .IdWidth    (IdWidth),
      .MaxBeats   (MaxBeats),
      .Outstanding(Outstanding)
  ) u_master (
      .*,
      .req_i       (req),
      .req_ready_o (req_ready),
      .req_id_i    (req_id),
      .data_id_o   (data_id),
      .data_valid_i(data_valid_i[data_id]),
      .data_ready_o(data_ready),
      .data_i      (data_i[data_id]),
      .done_o      (done),
      .done_id_o   (done_id)
  );

  ls_first_fault #(
      .Count(Count)
  ) u_faults (
      .*,
      .clear_i   (fault_clear_i),
      .error_i   (error_o),
      .error_id_i(done_id)
  );
endmodule
