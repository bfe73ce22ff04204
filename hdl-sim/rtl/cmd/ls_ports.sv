// The four ports to memory. Users of host memory: reads by fetch, copy, engine (hr), writes by record, copy, engine (hw); of card memory:
// reads by copy, engine (cr), writes by copy (cw).
module ls_ports #(
    parameter int unsigned DataWidth   = 64,
    parameter int unsigned ReadBeats   = 64,
    parameter int unsigned WriteBeats  = 16,
    parameter int unsigned Outstanding = 16
) (
    input logic clk_i,
    input logic rst_ni,
    input logic drain_i,  // soft reset: finish what is on the bus
    input logic clear_i,  // its last cycle
    output logic idle_o,  // nothing is on the bus
    input logic copy_start_i,  // the copier's faults are forgotten
    input logic engine_done_i,  // the engine's faults are forgotten
    input logic [2:0] hr_req_valid_i,
    output logic [2:0] hr_req_ready_o,
    input logic [2:0][63:0] hr_addr_i,
    input logic [2:0][31:0] hr_bytes_i,
    output logic [2:0] hr_valid_o,
    input logic [2:0] hr_ready_i,
    output logic [DataWidth-1:0] hr_data_o,
    output logic hr_last_o,
    output logic hr_error_o,
    output logic [2:0][63:0] hr_fault_o,
    input logic [1:0] cr_req_valid_i,
    output logic [1:0] cr_req_ready_o,
    input logic [1:0][63:0] cr_addr_i,
    input logic [1:0][31:0] cr_bytes_i,
    output logic [1:0] cr_valid_o,
    input logic [1:0] cr_ready_i,
    output logic [DataWidth-1:0] cr_data_o,
    output logic cr_last_o,
    output logic cr_error_o,
    output logic [1:0][63:0] cr_fault_o,
    input logic [2:0] hw_req_valid_i,
    output logic [2:0] hw_req_ready_o,
    input logic [2:0][63:0] hw_addr_i,
    input logic [2:0][31:0] hw_bytes_i,
    input logic [2:0] hw_valid_i,
    output logic [2:0] hw_ready_o,
    input logic [2:0][DataWidth-1:0] hw_data_i,
    output logic [2:0] hw_done_o,
    output logic hw_error_o,
    output logic [2:0] hw_fault_valid_o,
    output logic [2:0][63:0] hw_fault_o,
    input logic cw_req_valid_i,
    output logic cw_req_ready_o,
    input logic [63:0] cw_addr_i,
    input logic [31:0] cw_bytes_i,
    input logic cw_valid_i,
    output logic cw_ready_o,
    input logic [DataWidth-1:0] cw_data_i,
    output logic cw_done_o,
    output logic cw_error_o,
    output logic [63:0] cw_fault_o,
    output logic [3:0] bus_error_o,  // by port, for one cycle
    output logic [3:0][63:0] bus_address_o,
    output logic [3:0][1:0] bus_response_o,
    output logic host_arvalid_o,
    input logic host_arready_i,
    output logic [63:0] host_araddr_o,
    output logic [7:0] host_arlen_o,
    output logic [2:0] host_arsize_o,
    output logic [1:0] host_arburst_o,
    input logic host_rvalid_i,
    output logic host_rready_o,
    input logic [DataWidth-1:0] host_rdata_i,
    input logic [1:0] host_rresp_i,
    input logic host_rlast_i,
    output logic host_awvalid_o,
    input logic host_awready_i,
    output logic [63:0] host_awaddr_o,
    output logic [7:0] host_awlen_o,
    output logic [2:0] host_awsize_o,
    output logic [1:0] host_awburst_o,
    output logic host_wvalid_o,
    input logic host_wready_i,
    output logic [DataWidth-1:0] host_wdata_o,
    output logic [DataWidth/8-1:0] host_wstrb_o,
    output logic host_wlast_o,
    input logic host_bvalid_i,
    output logic host_bready_o,
    input logic [1:0] host_bresp_i,
    output logic card_arvalid_o,
    input logic card_arready_i,
    output logic [63:0] card_araddr_o,
    output logic [7:0] card_arlen_o,
    output logic [2:0] card_arsize_o,
    output logic [1:0] card_arburst_o,
    input logic card_rvalid_i,
    output logic card_rready_o,
    input logic [DataWidth-1:0] card_rdata_i,
    input logic [1:0] card_rresp_i,
    input logic card_rlast_i,
    output logic card_awvalid_o,
    input logic card_awready_i,
    output logic [63:0] card_awaddr_o,
    output logic [7:0] card_awlen_o,
    output logic [2:0] card_awsize_o,
    output logic [1:0] card_awburst_o,
    output logic card_wvalid_o,
    input logic card_wready_i,
    output logic [DataWidth-1:0] card_wdata_o,
    output logic [DataWidth/8-1:0] card_wstrb_o,
    output logic card_wlast_o,
    input logic card_bvalid_i,
    output logic card_bready_o,
    input logic [1:0] card_bresp_i
);
  import lockstep_pkg::*;

  logic host_read_idle, host_write_idle, card_read_idle, card_write_idle;
  assign idle_o = host_read_idle && host_write_idle && card_read_idle && card_write_idle;
  assign host_arsize_o = 3'($clog2(DataWidth / 8));
  assign host_awsize_o = 3'($clog2(DataWidth / 8));
  assign card_arsize_o = 3'($clog2(DataWidth / 8));
  assign card_awsize_o = 3'($clog2(DataWidth / 8));
  assign host_arburst_o = 2'b01;
  assign host_awburst_o = 2'b01;
  assign card_arburst_o = 2'b01;
  assign card_awburst_o = 2'b01;


  ls_read_port #(
      .Count(3),
      .DataWidth(DataWidth),
      .MaxBeats(ReadBeats),
      .Outstanding(Outstanding)
  ) u_host_read (
      .clk_i,
      .rst_ni,
      .drain_i(drain_i),
      .idle_o(host_read_idle),
      .req_valid_i(hr_req_valid_i),
      .req_ready_o(hr_req_ready_o),
      .req_addr_i(hr_addr_i),
      .req_bytes_i(hr_bytes_i),
      .data_valid_o(hr_valid_o),
      .data_ready_i(hr_ready_i),
      .data_o(hr_data_o),
      .data_last_o(hr_last_o),
      .data_error_o(hr_error_o),
      .fault_clear_i({engine_done_i, copy_start_i, 1'b0}),
      .fault_addr_o(hr_fault_o),
      .error_valid_o(bus_error_o[2'(PortHostRead)]),
      .error_addr_o(bus_address_o[2'(PortHostRead)]),
      .error_resp_o(bus_response_o[2'(PortHostRead)]),
      .axi_arvalid_o(host_arvalid_o),
      .axi_arready_i(host_arready_i),
      .axi_araddr_o(host_araddr_o),
      .axi_arlen_o(host_arlen_o),
      .axi_rvalid_i(host_rvalid_i),
      .axi_rready_o(host_rready_o),
      .axi_rdata_i(host_rdata_i),
      .axi_rresp_i(host_rresp_i),
      .axi_rlast_i(host_rlast_i)
  );

  ls_write_port #(
      .Count(3),
      .DataWidth(DataWidth),
      .MaxBeats(WriteBeats),
      .Outstanding(Outstanding)
  ) u_host_write (
      .clk_i,
      .rst_ni,
      .drain_i(drain_i),
      .clear_i(clear_i),
      .idle_o(host_write_idle),
      .req_valid_i(hw_req_valid_i),
      .req_ready_o(hw_req_ready_o),
      .req_addr_i(hw_addr_i),
      .req_bytes_i(hw_bytes_i),
      .data_valid_i(hw_valid_i),
      .data_ready_o(hw_ready_o),
      .data_i(hw_data_i),
      .done_valid_o(hw_done_o),
      .done_error_o(hw_error_o),
      .fault_clear_i({engine_done_i, copy_start_i, 1'b0}),
      .fault_valid_o(hw_fault_valid_o),
      .fault_addr_o(hw_fault_o),
      .error_valid_o(bus_error_o[2'(PortHostWrite)]),
      .error_addr_o(bus_address_o[2'(PortHostWrite)]),
      .error_resp_o(bus_response_o[2'(PortHostWrite)]),
      .axi_awvalid_o(host_awvalid_o),
      .axi_awready_i(host_awready_i),
      .axi_awaddr_o(host_awaddr_o),
      .axi_awlen_o(host_awlen_o),
      .axi_wvalid_o(host_wvalid_o),
      .axi_wready_i(host_wready_i),
      .axi_wdata_o(host_wdata_o),
      .axi_wstrb_o(host_wstrb_o),
      .axi_wlast_o(host_wlast_o),
      .axi_bvalid_i(host_bvalid_i),
      .axi_bready_o(host_bready_o),
      .axi_bresp_i(host_bresp_i)
  );

  ls_read_port #(
      .Count(2),
      .DataWidth(DataWidth),
      .MaxBeats(ReadBeats),
      .Outstanding(Outstanding)
  ) u_card_read (
      .clk_i,
      .rst_ni,
      .drain_i(drain_i),
      .idle_o(card_read_idle),
      .req_valid_i(cr_req_valid_i),
      .req_ready_o(cr_req_ready_o),
      .req_addr_i(cr_addr_i),
      .req_bytes_i(cr_bytes_i),
      .data_valid_o(cr_valid_o),
      .data_ready_i(cr_ready_i),
      .data_o(cr_data_o),
      .data_last_o(cr_last_o),
      .data_error_o(cr_error_o),
      .fault_clear_i({engine_done_i, copy_start_i}),
      .fault_addr_o(cr_fault_o),
      .error_valid_o(bus_error_o[2'(PortCardRead)]),
      .error_addr_o(bus_address_o[2'(PortCardRead)]),
      .error_resp_o(bus_response_o[2'(PortCardRead)]),
      .axi_arvalid_o(card_arvalid_o),
      .axi_arready_i(card_arready_i),
      .axi_araddr_o(card_araddr_o),
      .axi_arlen_o(card_arlen_o),
      .axi_rvalid_i(card_rvalid_i),
      .axi_rready_o(card_rready_o),
      .axi_rdata_i(card_rdata_i),
      .axi_rresp_i(card_rresp_i),
      .axi_rlast_i(card_rlast_i)
  );

  ls_axi_write #(
      .DataWidth(DataWidth),
      .IdWidth(1),
      .MaxBeats(WriteBeats),
      .Outstanding(Outstanding)
  ) u_card_write (
      .clk_i,
      .rst_ni,
      .drain_i(drain_i),
      .clear_i(clear_i),
      .idle_o(card_write_idle),
      .req_valid_i(cw_req_valid_i),
      .req_ready_o(cw_req_ready_o),
      .req_addr_i(cw_addr_i),
      .req_bytes_i(cw_bytes_i),
      .req_id_i(1'b0),
      .data_id_o(),
      .data_valid_i(cw_valid_i),
      .data_ready_o(cw_ready_o),
      .data_i(cw_data_i),
      .done_valid_o(cw_done_o),
      .done_error_o(cw_error_o),
      .done_id_o(),
      .error_valid_o(bus_error_o[2'(PortCardWrite)]),
      .error_addr_o(bus_address_o[2'(PortCardWrite)]),
      .error_resp_o(bus_response_o[2'(PortCardWrite)]),
      .error_id_o(),
      .axi_awvalid_o(card_awvalid_o),
      .axi_awready_i(card_awready_i),
      .axi_awaddr_o(card_awaddr_o),
      .axi_awlen_o(card_awlen_o),
      .axi_wvalid_o(card_wvalid_o),
      .axi_wready_i(card_wready_i),
      .axi_wdata_o(card_wdata_o),
      .axi_wstrb_o(card_wstrb_o),
      .axi_wlast_o(card_wlast_o),
      .axi_bvalid_i(card_bvalid_i),
      .axi_bready_o(card_bready_o),
      .axi_bresp_i(card_bresp_i)
  );

  ls_first_fault #(
      .Count(1)
  ) u_card_write_fault (
      .clk_i,
      .rst_ni,
      .clear_i(copy_start_i),
      .error_valid_i(bus_error_o[2'(PortCardWrite)]),
      .error_id_i(1'b0),
      .error_addr_i(bus_address_o[2'(PortCardWrite)]),
      .valid_o(),
      .addr_o(cw_fault_o)
  );
endmodule
