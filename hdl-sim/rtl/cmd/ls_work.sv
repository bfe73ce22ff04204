// What becomes of descriptors: they are fetched, become jobs of the engine and of the copier, and end as records.
module ls_work #(
    parameter int unsigned ArraySize = 8,
    parameter int unsigned DataWidth = 64,
    parameter longint unsigned CardBytes = 64'h1_0000_0000,
    parameter int unsigned MaxTokens = lockstep_pkg::TokensMax,
    parameter int unsigned MaxHidden = lockstep_pkg::HiddenMax,
    parameter int unsigned Jobs = 4
) (
    input logic clk_i,
    input logic rst_ni,
    // the driver's side
    input logic drain_i,  // a soft reset is under way
    input logic enable_i,
    input logic halted_i,
    input logic [63:0] submit_base_i,
    input logic [63:0] complete_base_i,
    input logic [3:0] ring_log2_i,
    input logic [31:0] watchdog_i,
    input logic [47:0] now_i,  // clock cycles
    input logic abort_i,
    input logic [15:0] abort_tag_i,
    input logic [15:0] submit_producer_i,
    input logic [15:0] submit_consumer_i,
    input logic [15:0] submit_used_i,
    input logic [15:0] complete_producer_i,
    input logic [15:0] complete_consumer_i,
    output logic fetched_o,  // a descriptor has been read
    output logic fetch_error_o,
    output logic recorded_o,  // a record is on its way
    output logic notify_o,  // it is there and asked for an interrupt
    output logic record_error_o,
    output logic late_o,  // the watchdog stopped a job
    output logic stuck_o,  // the stopped job did not end
    output logic aborting_o,
    output logic busy_o,
    output logic [7:0] jobs_o,
    output logic ended_o,  // a job
    output logic ended_ok_o,  // with it
    output logic copy_start_o,
    // the ports to memory: see ls_ports
    output logic [2:0] hr_req_valid_o,
    input logic [2:0] hr_req_ready_i,
    output logic [2:0][63:0] hr_addr_o,
    output logic [2:0][31:0] hr_bytes_o,
    input logic [2:0] hr_valid_i,
    output logic [2:0] hr_ready_o,
    input logic [DataWidth-1:0] hr_data_i,
    input logic hr_last_i,
    input logic hr_error_i,
    input logic [2:0][63:0] hr_fault_i,
    output logic [1:0] cr_req_valid_o,
    input logic [1:0] cr_req_ready_i,
    output logic [1:0][63:0] cr_addr_o,
    output logic [1:0][31:0] cr_bytes_o,
    input logic [1:0] cr_valid_i,
    output logic [1:0] cr_ready_o,
    input logic [DataWidth-1:0] cr_data_i,
    input logic cr_last_i,
    input logic cr_error_i,
    input logic [1:0][63:0] cr_fault_i,
    output logic [2:0] hw_req_valid_o,
    input logic [2:0] hw_req_ready_i,
    output logic [2:0][63:0] hw_addr_o,
    output logic [2:0][31:0] hw_bytes_o,
    output logic [2:0] hw_valid_o,
    input logic [2:0] hw_ready_i,
    output logic [2:0][DataWidth-1:0] hw_data_o,
    input logic [2:0] hw_done_i,
    input logic hw_error_i,
    input logic [2:0] hw_fault_valid_i,
    input logic [2:0][63:0] hw_fault_i,
    output logic cw_req_valid_o,
    input logic cw_req_ready_i,
    output logic [63:0] cw_addr_o,
    output logic [31:0] cw_bytes_o,
    output logic cw_valid_o,
    input logic cw_ready_i,
    output logic [DataWidth-1:0] cw_data_o,
    input logic cw_done_i,
    input logic cw_error_i,
    input logic [63:0] cw_fault_i,
    // the engine
    output logic engine_job_valid_o,
    input logic engine_job_ready_i,
    output logic [63:0] engine_job_program_o,  // card address
    output logic [15:0] engine_job_length_o,  // instructions
    output logic [63:0] engine_job_input_o,  // IOVA
    output logic [63:0] engine_job_output_o,  // IOVA
    output logic [15:0] engine_job_runs_o,
    output logic [31:0] engine_job_input_stride_o,
    output logic [31:0] engine_job_output_stride_o,
    input logic engine_done_valid_i,  // taken at once
    input logic [7:0] engine_done_error_i,  // engine_error_e
    input logic [63:0] engine_done_busy_i,  // cycles
    output logic engine_abort_o,  // the job under way shall end; until it has
    input logic engine_card_req_valid_i,
    output logic engine_card_req_ready_o,
    input logic [63:0] engine_card_req_addr_i,
    input logic [31:0] engine_card_req_bytes_i,
    output logic engine_card_valid_o,
    input logic engine_card_ready_i,
    output logic [DataWidth-1:0] engine_card_data_o,
    output logic engine_card_last_o,
    output logic engine_card_error_o,
    input logic engine_read_req_valid_i,
    output logic engine_read_req_ready_o,
    input logic [63:0] engine_read_req_addr_i,
    input logic [31:0] engine_read_req_bytes_i,
    output logic engine_read_valid_o,
    input logic engine_read_ready_i,
    output logic [DataWidth-1:0] engine_read_data_o,
    output logic engine_read_last_o,
    output logic engine_read_error_o,
    input logic engine_write_req_valid_i,
    output logic engine_write_req_ready_o,
    input logic [63:0] engine_write_req_addr_i,
    input logic [31:0] engine_write_req_bytes_i,
    input logic engine_write_valid_i,
    output logic engine_write_ready_o,
    input logic [DataWidth-1:0] engine_write_data_i,
    output logic engine_write_done_o,  // for one cycle
    output logic engine_write_error_o  // with it
);
  import lockstep_pkg::*;
  import ls_cmd_pkg::*;

  command_t command;
  ending_t  ending;
  logic command_valid, command_ready, ending_valid, ending_ready;
  logic [1:0] copy_read_valid, copy_write_valid, copy_data_ready, copy_data_valid;
  logic [63:0] copy_read_addr, copy_write_addr;
  logic [31:0] copy_read_bytes, copy_write_bytes;
  logic [DataWidth-1:0] copy_data;

  ls_fetch #(
      .DataWidth(DataWidth),
      .Depth(4),
      .ArraySize(ArraySize),
      .CardBytes(CardBytes),
      .MaxTokens(MaxTokens),
      .MaxHidden(MaxHidden)
  ) u_fetch (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .run_i(enable_i),
      .base_i(submit_base_i),
      .log2_i(ring_log2_i),
      .used_i(submit_used_i),
      .index_i(submit_consumer_i),
      .records_i(complete_consumer_i),
      .advance_o(fetched_o),
      .error_o(fetch_error_o),
      .req_valid_o(hr_req_valid_o[HostReadFetch]),
      .req_ready_i(hr_req_ready_i[HostReadFetch]),
      .req_addr_o(hr_addr_o[HostReadFetch]),
      .req_bytes_o(hr_bytes_o[HostReadFetch]),
      .data_valid_i(hr_valid_i[HostReadFetch]),
      .data_ready_o(hr_ready_o[HostReadFetch]),
      .data_i(hr_data_i),
      .data_error_i(hr_error_i),
      .command_valid_o(command_valid),
      .command_ready_i(command_ready),
      .command_o(command)
  );

  // The engine's own codes, and where it met the bus's.
  status_e engine_status, copy_status;
  logic [63:0] engine_address, copy_address;
  logic copy_valid, copy_ready, copy_done, copy_abort;
  logic [31:0] engine_busy;

  always_comb begin
    engine_address = '0;
    unique case (engine_error_e'(engine_done_error_i))
      EngineNone: engine_status = StatusOk;
      EngineCardBus: begin
        engine_status  = StatusCardRead;
        engine_address = cr_fault_i[CardReadEngine];
      end
      EngineHostBus: begin
        engine_status = hw_fault_valid_i[HostWriteEngine] ? StatusHostWrite : StatusHostRead;
        engine_address = hw_fault_valid_i[HostWriteEngine] ? hw_fault_i[HostWriteEngine] : hr_fault_i[HostReadEngine];
      end
      EngineBadInput: engine_status = StatusBadInput;
      EngineAborted: engine_status = StatusAborted;
      default: engine_status = StatusBadInstruction;  // EngineIllegalInstruction
    endcase
  end
  assign engine_busy = (engine_done_busy_i[63:32] != '0) ? '1 : engine_done_busy_i[31:0];
  assign engine_job_program_o = command.card_address;
  assign engine_job_length_o = command.program_length;
  assign engine_job_input_o = command.host_address;
  assign engine_job_output_o = command.output_address;
  assign engine_job_runs_o = command.runs;
  assign engine_job_input_stride_o = command.input_stride;
  assign engine_job_output_stride_o = command.output_stride;

  ls_jobs #(
      .Jobs(Jobs)
  ) u_jobs (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .run_i(!halted_i && !drain_i),
      .now_i(now_i),
      .watchdog_i(watchdog_i),
      .command_valid_i(command_valid),
      .command_ready_o(command_ready),
      .command_i(command.start),
      .engine_valid_o(engine_job_valid_o),
      .engine_ready_i(engine_job_ready_i),
      .engine_done_i(engine_done_valid_i),
      .engine_status_i(engine_status),
      .engine_detail_i(engine_done_error_i),
      .engine_busy_i(engine_busy),
      .engine_address_i(engine_address),
      .engine_abort_o(engine_abort_o),
      .copy_valid_o(copy_valid),
      .copy_ready_i(copy_ready),
      .copy_done_i(copy_done),
      .copy_status_i(copy_status),
      .copy_address_i(copy_address),
      .copy_abort_o(copy_abort),
      .ending_valid_o(ending_valid),
      .ending_ready_i(ending_ready),
      .ending_o(ending),
      .abort_valid_i(abort_i),
      .abort_tag_i(abort_tag_i),
      .submitted_i(submit_producer_i),
      .aborting_o(aborting_o),
      .watchdog_o(late_o),
      .stuck_o(stuck_o),
      .count_o(jobs_o)
  );

  assign copy_start_o = copy_valid && copy_ready;

  ls_copy #(
      .DataWidth (DataWidth),
      .ChunkBytes(DataWidth * 8)
  ) u_copy (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .command_valid_i(copy_valid),
      .command_ready_o(copy_ready),
      .to_card_i(command.start.opcode == OpCopyToCard),
      .card_address_i(command.card_address),
      .host_address_i(command.host_address),
      .bytes_i(command.bytes),
      .abort_i(copy_abort),
      .done_o(copy_done),
      .status_o(copy_status),
      .address_o(copy_address),
      .read_valid_o(copy_read_valid),
      .read_ready_i({cr_req_ready_i[CardReadCopy], hr_req_ready_i[HostReadCopy]}),
      .read_addr_o(copy_read_addr),
      .read_bytes_o(copy_read_bytes),
      .data_valid_i({cr_valid_i[CardReadCopy], hr_valid_i[HostReadCopy]}),
      .data_ready_o(copy_data_ready),
      .data_error_i({cr_error_i, hr_error_i}),
      .data_i({cr_data_i, hr_data_i}),
      .write_valid_o(copy_write_valid),
      .write_ready_i({cw_req_ready_i, hw_req_ready_i[HostWriteCopy]}),
      .write_addr_o(copy_write_addr),
      .write_bytes_o(copy_write_bytes),
      .data_valid_o(copy_data_valid),
      .data_ready_i({cw_ready_i, hw_ready_i[HostWriteCopy]}),
      .data_o(copy_data),
      .done_i({cw_done_i, hw_done_i[HostWriteCopy]}),
      .done_error_i({cw_error_i, hw_error_i}),
      .read_fault_i({cr_fault_i[CardReadCopy], hr_fault_i[HostReadCopy]}),
      .write_fault_i({cw_fault_i, hw_fault_i[HostWriteCopy]})
  );

  ls_record #(
      .DataWidth(DataWidth)
  ) u_record (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .base_i(complete_base_i),
      .log2_i(ring_log2_i),
      .index_i(complete_producer_i),
      .consumer_i(submit_consumer_i),
      .ending_valid_i(ending_valid),
      .ending_ready_o(ending_ready),
      .ending_i(ending),
      .advance_o(recorded_o),
      .interrupt_o(notify_o),
      .error_o(record_error_o),
      .req_valid_o(hw_req_valid_o[HostWriteRecord]),
      .req_ready_i(hw_req_ready_i[HostWriteRecord]),
      .req_addr_o(hw_addr_o[HostWriteRecord]),
      .req_bytes_o(hw_bytes_o[HostWriteRecord]),
      .data_valid_o(hw_valid_o[HostWriteRecord]),
      .data_ready_i(hw_ready_i[HostWriteRecord]),
      .data_o(hw_data_o[HostWriteRecord]),
      .done_i(hw_done_i[HostWriteRecord]),
      .done_error_i(hw_error_i)
  );

  // ---- who is who on the ports
  assign hr_req_valid_o[HostReadCopy]    = copy_read_valid[0];
  assign hr_addr_o[HostReadCopy]         = copy_read_addr;
  assign hr_bytes_o[HostReadCopy]        = copy_read_bytes;
  assign hr_ready_o[HostReadCopy]        = copy_data_ready[0];
  assign cr_req_valid_o[CardReadCopy]    = copy_read_valid[1];
  assign cr_addr_o[CardReadCopy]         = copy_read_addr;
  assign cr_bytes_o[CardReadCopy]        = copy_read_bytes;
  assign cr_ready_o[CardReadCopy]        = copy_data_ready[1];
  assign hw_req_valid_o[HostWriteCopy]   = copy_write_valid[0];
  assign hw_addr_o[HostWriteCopy]        = copy_write_addr;
  assign hw_bytes_o[HostWriteCopy]       = copy_write_bytes;
  assign hw_valid_o[HostWriteCopy]       = copy_data_valid[0];
  assign hw_data_o[HostWriteCopy]        = copy_data;

  assign hr_req_valid_o[HostReadEngine]  = engine_read_req_valid_i;
  assign hr_addr_o[HostReadEngine]       = engine_read_req_addr_i;
  assign hr_bytes_o[HostReadEngine]      = engine_read_req_bytes_i;
  assign hr_ready_o[HostReadEngine]      = engine_read_ready_i;
  assign engine_read_req_ready_o         = hr_req_ready_i[HostReadEngine];
  assign engine_read_valid_o             = hr_valid_i[HostReadEngine];
  assign engine_read_data_o              = hr_data_i;
  assign engine_read_last_o              = hr_last_i;
  assign engine_read_error_o             = hr_error_i;
  assign cr_req_valid_o[CardReadEngine]  = engine_card_req_valid_i;
  assign cr_addr_o[CardReadEngine]       = engine_card_req_addr_i;
  assign cr_bytes_o[CardReadEngine]      = engine_card_req_bytes_i;
  assign cr_ready_o[CardReadEngine]      = engine_card_ready_i;
  assign engine_card_req_ready_o         = cr_req_ready_i[CardReadEngine];
  assign engine_card_valid_o             = cr_valid_i[CardReadEngine];
  assign engine_card_data_o              = cr_data_i;
  assign engine_card_last_o              = cr_last_i;
  assign engine_card_error_o             = cr_error_i;
  assign hw_req_valid_o[HostWriteEngine] = engine_write_req_valid_i;
  assign hw_addr_o[HostWriteEngine]      = engine_write_req_addr_i;
  assign hw_bytes_o[HostWriteEngine]     = engine_write_req_bytes_i;
  assign hw_valid_o[HostWriteEngine]     = engine_write_valid_i;
  assign hw_data_o[HostWriteEngine]      = engine_write_data_i;
  assign engine_write_req_ready_o        = hw_req_ready_i[HostWriteEngine];
  assign engine_write_ready_o            = hw_ready_i[HostWriteEngine];
  assign engine_write_done_o             = hw_done_i[HostWriteEngine];
  assign engine_write_error_o            = hw_error_i;

  assign cw_req_valid_o                  = copy_write_valid[1];
  assign cw_addr_o                       = copy_write_addr;
  assign cw_bytes_o                      = copy_write_bytes;
  assign cw_valid_o                      = copy_data_valid[1];
  assign cw_data_o                       = copy_data;

  assign ended_o                         = ending_valid && ending_ready;
  assign ended_ok_o                      = ending.status == StatusOk;
  assign busy_o                          = jobs_o != '0 || command_valid || submit_used_i != '0;

  // ---- rules of the handshakes: a soft reset alone withdraws an offer
  for (genvar i = 0; i < 3; i++) begin : gen_host_check
    // The engine checks its own requests.
    if (i != HostReadEngine) begin : gen_read_request
      ls_handshake_check #(
          .Width(96)
      ) u_check (
          .clk_i,
          .rst_ni,
          .clear_i(drain_i),
          .valid_i(hr_req_valid_o[i]),
          .ready_i(hr_req_ready_i[i]),
          .data_i ({hr_addr_o[i], hr_bytes_o[i]})
      );
    end
    if (i != HostWriteEngine) begin : gen_write
      ls_handshake_check #(
          .Width(96)
      ) u_check_request (
          .clk_i,
          .rst_ni,
          .clear_i(drain_i),
          .valid_i(hw_req_valid_o[i]),
          .ready_i(hw_req_ready_i[i]),
          .data_i ({hw_addr_o[i], hw_bytes_o[i]})
      );
      ls_handshake_check #(
          .Width(DataWidth)
      ) u_check_data (
          .clk_i,
          .rst_ni,
          .clear_i(drain_i),
          .valid_i(hw_valid_o[i]),
          .ready_i(hw_ready_i[i]),
          .data_i (hw_data_o[i])
      );
    end
    ls_handshake_check #(
        .Width(DataWidth + 2)
    ) u_read_check (
        .clk_i,
        .rst_ni,
        .clear_i(drain_i),
        .valid_i(hr_valid_i[i]),
        .ready_i(hr_ready_o[i]),
        .data_i ({hr_last_i, hr_error_i, hr_data_i})
    );
  end
  for (genvar i = 0; i < 2; i++) begin : gen_card_check
    ls_handshake_check #(
        .Width(DataWidth + 2)
    ) u_read_check (
        .clk_i,
        .rst_ni,
        .clear_i(drain_i),
        .valid_i(cr_valid_i[i]),
        .ready_i(cr_ready_o[i]),
        .data_i ({cr_last_i, cr_error_i, cr_data_i})
    );
  end
  ls_handshake_check #(
      .Width(96)
  ) u_check_card_read (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .valid_i(cr_req_valid_o[CardReadCopy]),
      .ready_i(cr_req_ready_i[CardReadCopy]),
      .data_i ({cr_addr_o[CardReadCopy], cr_bytes_o[CardReadCopy]})
  );
  ls_handshake_check #(
      .Width(96)
  ) u_check_card_write (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .valid_i(cw_req_valid_o),
      .ready_i(cw_req_ready_i),
      .data_i ({cw_addr_o, cw_bytes_o})
  );
  ls_handshake_check #(
      .Width(DataWidth)
  ) u_check_card_data (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .valid_i(cw_valid_o),
      .ready_i(cw_ready_i),
      .data_i (cw_data_o)
  );
  ls_handshake_check #(
      .Width($bits(command))
  ) u_check_command (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .valid_i(command_valid),
      .ready_i(command_ready),
      .data_i (command)
  );
  // What a unit is offered is the command, which stays.
  ls_handshake_check u_check_engine (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .valid_i(engine_job_valid_o),
      .ready_i(engine_job_ready_i),
      .data_i (1'b0)
  );
  ls_handshake_check u_check_copy (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i),
      .valid_i(copy_valid),
      .ready_i(copy_ready),
      .data_i (1'b0)
  );
  ls_handshake_check #(
      .Width($bits(ending))
  ) u_check_ending (
      .clk_i,
      .rst_ni,
      .clear_i(drain_i || halted_i),
      .valid_i(ending_valid),
      .ready_i(ending_ready),
      .data_i (ending)
  );
endmodule
