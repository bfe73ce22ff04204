// The command processor with a stand-in for the engine.
module bench_card
  import ls_bus_pkg::*;
  import lockstep_pkg::*;
#(
    parameter int unsigned DataWidth = 64,
    parameter longint unsigned CardBytes = 64'h10_0000,
    parameter int unsigned ReadBeats = 64,
    parameter int unsigned WriteBeats = 16,
    parameter int unsigned Outstanding = 16
) (
    input logic clk_i,
    input logic rst_ni,
    output logic [Vectors-1:0] irq_o,
    // registers
    input axil_in_t regs_i,
    output axil_out_t regs_o,
    // the buses
    input axi_in_t host_i,
    output axi_out_t host_o,
    input logic [DataWidth-1:0] host_rdata,
    output logic [DataWidth-1:0] host_wdata,
    output logic [DataWidth/8-1:0] host_wstrb,
    input axi_in_t card_i,
    output axi_out_t card_o,
    input logic [DataWidth-1:0] card_rdata,
    output logic [DataWidth-1:0] card_wdata,
    output logic [DataWidth/8-1:0] card_wstrb
);
  job_t  engine_job;
  done_t engine_done;
  request_t card_read_req, host_read_req, host_write_req;
  beat_t card_read_beat, host_read_beat;
  answer_t host_write_done;
  logic drain, engine_job_ready, engine_abort;
  logic card_read_req_ready, host_read_req_ready, host_write_req_ready;
  logic host_write_valid, host_write_ready;
  logic [DataWidth-1:0] card_data, host_data, host_write_data;
  logic [Events-OuterEvents-1:0][63:0] engine_counters;

  ls_cmd #(
      .DataWidth(DataWidth),
      .Card(
      '{
          build_id: 32'h600d_1dea,
          array: 16'(DataWidth / 8),
          card_bytes: CardBytes,
          max_tokens: 16'(TokensMax),
          max_hidden: 16'(HiddenMax),
          jobs: 8'd4,
          program_version: 16'(ProgramVersion),
          default: '0
      }
      ),
      .ReadBeats(ReadBeats),
      .WriteBeats(WriteBeats),
      .Outstanding(Outstanding)
  ) u_cmd (
      .*
  );

  bench_engine #(.DataWidth(DataWidth)) u_engine (.*);
endmodule
