// The command processor with a stand-in for the engine.
module bench_card #(
    parameter int unsigned DataWidth = 64,
    parameter longint unsigned CardBytes = 64'h10_0000,
    parameter int unsigned ReadBeats = 64,
    parameter int unsigned WriteBeats = 16,
    parameter int unsigned Outstanding = 16
) (
    input  logic                                clk_i,
    input  logic                                rst_ni,
    input  logic                                regs_awvalid_i,
    output logic                                regs_awready_o,
    input  logic [lockstep_pkg::OffsetBits-1:0] regs_awaddr_i,
    input  logic                                regs_wvalid_i,
    output logic                                regs_wready_o,
    input  logic [                        31:0] regs_wdata_i,
    input  logic [                         3:0] regs_wstrb_i,
    output logic                                regs_bvalid_o,
    input  logic                                regs_bready_i,
    output logic [                         1:0] regs_bresp_o,
    input  logic                                regs_arvalid_i,
    output logic                                regs_arready_o,
    input  logic [lockstep_pkg::OffsetBits-1:0] regs_araddr_i,
    output logic                                regs_rvalid_o,
    input  logic                                regs_rready_i,
    output logic [                        31:0] regs_rdata_o,
    output logic [                         1:0] regs_rresp_o,
    output logic                                host_arvalid_o,
    input  logic                                host_arready_i,
    output logic [                        63:0] host_araddr_o,
    output logic [                         7:0] host_arlen_o,
    output logic [                         2:0] host_arsize_o,
    output logic [                         1:0] host_arburst_o,
    input  logic                                host_rvalid_i,
    output logic                                host_rready_o,
    input  logic [               DataWidth-1:0] host_rdata_i,
    input  logic [                         1:0] host_rresp_i,
    input  logic                                host_rlast_i,
    output logic                                host_awvalid_o,
    input  logic                                host_awready_i,
    output logic [                        63:0] host_awaddr_o,
    output logic [                         7:0] host_awlen_o,
    output logic [                         2:0] host_awsize_o,
    output logic [                         1:0] host_awburst_o,
    output logic                                host_wvalid_o,
    input  logic                                host_wready_i,
    output logic [               DataWidth-1:0] host_wdata_o,
    output logic [             DataWidth/8-1:0] host_wstrb_o,
    output logic                                host_wlast_o,
    input  logic                                host_bvalid_i,
    output logic                                host_bready_o,
    input  logic [                         1:0] host_bresp_i,
    output logic                                card_arvalid_o,
    input  logic                                card_arready_i,
    output logic [                        63:0] card_araddr_o,
    output logic [                         7:0] card_arlen_o,
    output logic [                         2:0] card_arsize_o,
    output logic [                         1:0] card_arburst_o,
    input  logic                                card_rvalid_i,
    output logic                                card_rready_o,
    input  logic [               DataWidth-1:0] card_rdata_i,
    input  logic [                         1:0] card_rresp_i,
    input  logic                                card_rlast_i,
    output logic                                card_awvalid_o,
    input  logic                                card_awready_i,
    output logic [                        63:0] card_awaddr_o,
    output logic [                         7:0] card_awlen_o,
    output logic [                         2:0] card_awsize_o,
    output logic [                         1:0] card_awburst_o,
    output logic                                card_wvalid_o,
    input  logic                                card_wready_i,
    output logic [               DataWidth-1:0] card_wdata_o,
    output logic [             DataWidth/8-1:0] card_wstrb_o,
    output logic                                card_wlast_o,
    input  logic                                card_bvalid_i,
    output logic                                card_bready_o,
    input  logic [                         1:0] card_bresp_i,
    output logic [   lockstep_pkg::Vectors-1:0] irq_o
);
  logic engine_clear;
  logic engine_job_valid;
  logic engine_job_ready;
  logic [63:0] engine_job_program;
  logic [15:0] engine_job_length;
  logic [63:0] engine_job_input;
  logic [63:0] engine_job_output;
  logic [15:0] engine_job_runs;
  logic [31:0] engine_job_input_stride, engine_job_output_stride;
  logic engine_done_valid;
  logic [7:0] engine_done_error;
  logic [63:0] engine_done_busy;
  logic engine_abort;
  logic engine_card_req_valid;
  logic engine_card_req_ready;
  logic [63:0] engine_card_req_addr;
  logic [31:0] engine_card_req_bytes;
  logic engine_card_valid;
  logic engine_card_ready;
  logic [DataWidth-1:0] engine_card_data;
  logic engine_card_last;
  logic engine_card_error;
  logic engine_read_req_valid;
  logic engine_read_req_ready;
  logic [63:0] engine_read_req_addr;
  logic [31:0] engine_read_req_bytes;
  logic engine_read_valid;
  logic engine_read_ready;
  logic [DataWidth-1:0] engine_read_data;
  logic engine_read_last;
  logic engine_read_error;
  logic engine_write_req_valid;
  logic engine_write_req_ready;
  logic [63:0] engine_write_req_addr;
  logic [31:0] engine_write_req_bytes;
  logic engine_write_valid;
  logic engine_write_ready;
  logic [DataWidth-1:0] engine_write_data;
  logic engine_write_done;
  logic engine_write_error;
  logic [lockstep_pkg::Events-lockstep_pkg::OuterEvents-1:0][63:0] engine_counters;

  ls_cmd #(
      .ArraySize(DataWidth / 8),
      .DataWidth(DataWidth),
      .CardBytes(CardBytes),
      .ReadBeats(ReadBeats),
      .WriteBeats(WriteBeats),
      .Outstanding(Outstanding),
      .BuildId(32'h600d_1dea)
  ) u_cmd (
      .*,  // clock, registers, buses, interrupts
      .engine_clear_o(engine_clear),
      .engine_job_valid_o(engine_job_valid),
      .engine_job_ready_i(engine_job_ready),
      .engine_job_program_o(engine_job_program),
      .engine_job_length_o(engine_job_length),
      .engine_job_input_o(engine_job_input),
      .engine_job_output_o(engine_job_output),
      .engine_job_runs_o(engine_job_runs),
      .engine_job_input_stride_o(engine_job_input_stride),
      .engine_job_output_stride_o(engine_job_output_stride),
      .engine_done_valid_i(engine_done_valid),
      .engine_done_error_i(engine_done_error),
      .engine_done_busy_i(engine_done_busy),
      .engine_abort_o(engine_abort),
      .engine_card_req_valid_i(engine_card_req_valid),
      .engine_card_req_ready_o(engine_card_req_ready),
      .engine_card_req_addr_i(engine_card_req_addr),
      .engine_card_req_bytes_i(engine_card_req_bytes),
      .engine_card_valid_o(engine_card_valid),
      .engine_card_ready_i(engine_card_ready),
      .engine_card_data_o(engine_card_data),
      .engine_card_last_o(engine_card_last),
      .engine_card_error_o(engine_card_error),
      .engine_read_req_valid_i(engine_read_req_valid),
      .engine_read_req_ready_o(engine_read_req_ready),
      .engine_read_req_addr_i(engine_read_req_addr),
      .engine_read_req_bytes_i(engine_read_req_bytes),
      .engine_read_valid_o(engine_read_valid),
      .engine_read_ready_i(engine_read_ready),
      .engine_read_data_o(engine_read_data),
      .engine_read_last_o(engine_read_last),
      .engine_read_error_o(engine_read_error),
      .engine_write_req_valid_i(engine_write_req_valid),
      .engine_write_req_ready_o(engine_write_req_ready),
      .engine_write_req_addr_i(engine_write_req_addr),
      .engine_write_req_bytes_i(engine_write_req_bytes),
      .engine_write_valid_i(engine_write_valid),
      .engine_write_ready_o(engine_write_ready),
      .engine_write_data_i(engine_write_data),
      .engine_write_done_o(engine_write_done),
      .engine_write_error_o(engine_write_error),
      .engine_counters_i(engine_counters)
  );

  bench_engine #(
      .DataWidth(DataWidth)
  ) u_engine (
      .clk_i,
      .rst_ni,
      .clear_i(engine_clear),
      .job_valid_i(engine_job_valid),
      .job_ready_o(engine_job_ready),
      .job_program_i(engine_job_program),
      .job_length_i(engine_job_length),
      .job_input_i(engine_job_input),
      .job_output_i(engine_job_output),
      .job_runs_i(engine_job_runs),
      .job_input_stride_i(engine_job_input_stride),
      .job_output_stride_i(engine_job_output_stride),
      .done_valid_o(engine_done_valid),
      .done_error_o(engine_done_error),
      .done_busy_o(engine_done_busy),
      .abort_i(engine_abort),
      .card_req_valid_o(engine_card_req_valid),
      .card_req_ready_i(engine_card_req_ready),
      .card_req_addr_o(engine_card_req_addr),
      .card_req_bytes_o(engine_card_req_bytes),
      .card_valid_i(engine_card_valid),
      .card_ready_o(engine_card_ready),
      .card_data_i(engine_card_data),
      .card_last_i(engine_card_last),
      .card_error_i(engine_card_error),
      .read_req_valid_o(engine_read_req_valid),
      .read_req_ready_i(engine_read_req_ready),
      .read_req_addr_o(engine_read_req_addr),
      .read_req_bytes_o(engine_read_req_bytes),
      .read_valid_i(engine_read_valid),
      .read_ready_o(engine_read_ready),
      .read_data_i(engine_read_data),
      .read_last_i(engine_read_last),
      .read_error_i(engine_read_error),
      .write_req_valid_o(engine_write_req_valid),
      .write_req_ready_i(engine_write_req_ready),
      .write_req_addr_o(engine_write_req_addr),
      .write_req_bytes_o(engine_write_req_bytes),
      .write_valid_o(engine_write_valid),
      .write_ready_i(engine_write_ready),
      .write_data_o(engine_write_data),
      .write_done_i(engine_write_done),
      .write_error_i(engine_write_error),
      .counters_o(engine_counters)
  );
endmodule
