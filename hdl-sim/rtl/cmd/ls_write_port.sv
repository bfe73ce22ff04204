// A write port: its users, the AXI4 master, the addresses of what failed.
module ls_write_port #(
    parameter int unsigned Count       = 3,    // at least 2
    parameter int unsigned DataWidth   = 128,
    parameter int unsigned MaxBeats    = 16,
    parameter int unsigned Outstanding = 8
) (
    input  logic                                  clk_i,
    input  logic                                  rst_ni,
    input  logic                                  drain_i,
    input  logic                                  clear_i,
    output logic                                  idle_o,
    input  logic [      Count-1:0]                req_valid_i,
    output logic [      Count-1:0]                req_ready_o,
    input  logic [      Count-1:0][         63:0] req_addr_i,
    input  logic [      Count-1:0][         31:0] req_bytes_i,
    input  logic [      Count-1:0]                data_valid_i,
    output logic [      Count-1:0]                data_ready_o,
    input  logic [      Count-1:0][DataWidth-1:0] data_i,
    output logic [      Count-1:0]                done_valid_o,   // for one cycle
    output logic                                  done_error_o,
    input  logic [      Count-1:0]                fault_clear_i,
    output logic [      Count-1:0]                fault_valid_o,
    output logic [      Count-1:0][         63:0] fault_addr_o,
    output logic                                  error_valid_o,  // for one cycle
    output logic [           63:0]                error_addr_o,
    output logic [            1:0]                error_resp_o,
    output logic                                  axi_awvalid_o,
    input  logic                                  axi_awready_i,
    output logic [           63:0]                axi_awaddr_o,
    output logic [            7:0]                axi_awlen_o,
    output logic                                  axi_wvalid_o,
    input  logic                                  axi_wready_i,
    output logic [  DataWidth-1:0]                axi_wdata_o,
    output logic [DataWidth/8-1:0]                axi_wstrb_o,
    output logic                                  axi_wlast_o,
    input  logic                                  axi_bvalid_i,
    output logic                                  axi_bready_o,
    input  logic [            1:0]                axi_bresp_i
);
  localparam int unsigned IdWidth = $clog2(Count);

  logic req_valid, req_ready, data_valid, data_ready, done_valid;
  logic [63:0] req_addr;
  logic [31:0] req_bytes;
  logic [IdWidth-1:0] req_id, data_id, done_id, error_id;
  logic [DataWidth-1:0] data;

  ls_write_mux #(
      .Count    (Count),
      .DataWidth(DataWidth)
  ) u_mux (
      .clk_i,
      .rst_ni,
      .clear_i     (drain_i),
      .req_valid_i,
      .req_ready_o,
      .req_addr_i,
      .req_bytes_i,
      .data_valid_i,
      .data_ready_o,
      .data_i,
      .done_valid_o,
      .req_valid_o (req_valid),
      .req_ready_i (req_ready),
      .req_addr_o  (req_addr),
      .req_bytes_o (req_bytes),
      .req_id_o    (req_id),
      .data_id_i   (data_id),
      .data_valid_o(data_valid),
      .data_ready_i(data_ready),
      .data_o      (data),
      .done_valid_i(done_valid),
      .done_id_i   (done_id)
  );
  ls_first_fault #(
      .Count(Count)
  ) u_faults (
      .clk_i,
      .rst_ni,
      .clear_i      (fault_clear_i),
      .error_valid_i(error_valid_o),
      .error_id_i   (error_id),
      .error_addr_i (error_addr_o),
      .valid_o      (fault_valid_o),
      .addr_o       (fault_addr_o)
  );

  ls_axi_write #(
      .DataWidth  (DataWidth),
      .IdWidth    (IdWidth),
      .MaxBeats   (MaxBeats),
      .Outstanding(Outstanding)
  ) u_master (
      .clk_i,
      .rst_ni,
      .drain_i,
      .clear_i,
      .idle_o,
      .req_valid_i (req_valid),
      .req_ready_o (req_ready),
      .req_addr_i  (req_addr),
      .req_bytes_i (req_bytes),
      .req_id_i    (req_id),
      .data_id_o   (data_id),
      .data_valid_i(data_valid),
      .data_ready_o(data_ready),
      .data_i      (data),
      .done_valid_o(done_valid),
      .done_error_o,
      .done_id_o   (done_id),
      .error_valid_o,
      .error_addr_o,
      .error_resp_o,
      .error_id_o  (error_id),
      .axi_awvalid_o,
      .axi_awready_i,
      .axi_awaddr_o,
      .axi_awlen_o,
      .axi_wvalid_o,
      .axi_wready_i,
      .axi_wdata_o,
      .axi_wstrb_o,
      .axi_wlast_o,
      .axi_bvalid_i,
      .axi_bready_o,
      .axi_bresp_i
  );
endmodule
