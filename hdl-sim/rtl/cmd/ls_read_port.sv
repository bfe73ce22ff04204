// A read port: its users, the AXI4 master, the addresses of what failed.
module ls_read_port #(
    parameter int unsigned Count       = 3,
    parameter int unsigned DataWidth   = 128,
    parameter int unsigned MaxBeats    = 64,
    parameter int unsigned Outstanding = 8
) (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       drain_i,
    output logic                       idle_o,
    input  logic [    Count-1:0]       req_valid_i,
    output logic [    Count-1:0]       req_ready_o,
    input  logic [    Count-1:0][63:0] req_addr_i,
    input  logic [    Count-1:0][31:0] req_bytes_i,
    output logic [    Count-1:0]       data_valid_o,
    input  logic [    Count-1:0]       data_ready_i,
    output logic [DataWidth-1:0]       data_o,         // common to all users
    output logic                       data_last_o,
    output logic                       data_error_o,
    input  logic [    Count-1:0]       fault_clear_i,
    output logic [    Count-1:0][63:0] fault_addr_o,
    output logic                       error_valid_o,  // for one cycle
    output logic [         63:0]       error_addr_o,
    output logic [          1:0]       error_resp_o,
    output logic                       axi_arvalid_o,
    input  logic                       axi_arready_i,
    output logic [         63:0]       axi_araddr_o,
    output logic [          7:0]       axi_arlen_o,
    input  logic                       axi_rvalid_i,
    output logic                       axi_rready_o,
    input  logic [DataWidth-1:0]       axi_rdata_i,
    input  logic [          1:0]       axi_rresp_i,
    input  logic                       axi_rlast_i
);
  localparam int unsigned IdWidth = $clog2(Count);

  logic req_valid, req_ready, data_valid, data_ready;
  logic [63:0] req_addr;
  logic [31:0] req_bytes;
  logic [IdWidth-1:0] req_id, data_id, error_id;

  ls_read_mux #(
      .Count(Count)
  ) u_mux (
      .clk_i,
      .rst_ni,
      .clear_i     (drain_i),
      .req_valid_i,
      .req_ready_o,
      .req_addr_i,
      .req_bytes_i,
      .data_valid_o,
      .data_ready_i,
      .req_valid_o (req_valid),
      .req_ready_i (req_ready),
      .req_addr_o  (req_addr),
      .req_bytes_o (req_bytes),
      .req_id_o    (req_id),
      .data_valid_i(data_valid),
      .data_ready_o(data_ready),
      .data_id_i   (data_id)
  );

  ls_axi_read #(
      .DataWidth  (DataWidth),
      .IdWidth    (IdWidth),
      .MaxBeats   (MaxBeats),
      .Outstanding(Outstanding)
  ) u_master (
      .clk_i,
      .rst_ni,
      .drain_i,
      .idle_o,
      .req_valid_i (req_valid),
      .req_ready_o (req_ready),
      .req_addr_i  (req_addr),
      .req_bytes_i (req_bytes),
      .req_id_i    (req_id),
      .data_valid_o(data_valid),
      .data_ready_i(data_ready),
      .data_o,
      .data_last_o,
      .data_error_o,
      .data_id_o   (data_id),
      .error_valid_o,
      .error_addr_o,
      .error_resp_o,
      .error_id_o  (error_id),
      .axi_arvalid_o,
      .axi_arready_i,
      .axi_araddr_o,
      .axi_arlen_o,
      .axi_rvalid_i,
      .axi_rready_o,
      .axi_rdata_i,
      .axi_rresp_i,
      .axi_rlast_i
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
      .valid_o      (),
      .addr_o       (fault_addr_o)
  );
endmodule
