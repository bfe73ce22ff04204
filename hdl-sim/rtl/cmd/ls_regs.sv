// The registers: what the driver writes, the sticky errors, and what is read where.
module ls_regs #(
    parameter logic [31:0] BuildId = '0,
    parameter int unsigned ArraySize = 8,
    parameter int unsigned DataWidth = 128,
    parameter longint unsigned CardBytes = 64'h1_0000_0000,
    parameter int unsigned MaxTokens = lockstep_pkg::TokensMax,
    parameter int unsigned MaxHidden = lockstep_pkg::HiddenMax,
    parameter int unsigned Jobs = 4,
    parameter int unsigned ProgramVersion = lockstep_pkg::ProgramVersion,
    parameter int unsigned ClockKhz = 0,
    // Words of the engine's memories.
    parameter int unsigned ADepth = 0,
    parameter int unsigned BDepth = 0,
    parameter int unsigned VDepth = 0,
    parameter int unsigned YDepth = 0,
    parameter int unsigned PDepth = 0,
    parameter int unsigned RingDepth = 0
) (
    input logic clk_i,
    input logic rst_ni,
    input logic clear_i,  // the end of a soft reset
    input logic write_i,
    input logic [lockstep_pkg::OffsetBits-1:0] write_addr_i,
    input logic [31:0] write_data_i,
    input logic write_whole_i,
    input logic [lockstep_pkg::OffsetBits-1:0] read_addr_i,
    output logic [31:0] read_data_o,
    output logic reset_o,  // for one cycle: a soft reset is asked for
    output logic enable_o,
    output logic halted_o,
    output logic [63:0] submit_base_o,
    output logic [63:0] complete_base_o,
    output logic [3:0] ring_log2_o,
    output logic [31:0] watchdog_o,
    output logic submit_o,  // doorbells
    output logic complete_o,
    output logic abort_o,
    output logic [15:0] operand_o,  // index of a doorbell, tag of an abort
    output logic [lockstep_pkg::IntBits-1:0] int_enable_o,
    output logic [lockstep_pkg::IntBits-1:0] int_acknowledge_o,
    output logic [lockstep_pkg::IntBits-1:0] int_force_o,
    output logic error_event_o,  // for one cycle: a bit of ERROR_STATUS became set
    input logic [lockstep_pkg::IntBits-1:0] int_status_i,
    input logic [lockstep_pkg::ErrorBits-1:0] error_set_i,  // but for BAD_ACCESS and BAD_QUEUE
    input logic [3:0][63:0] bus_address_i,  // with the four lowest bits of error_set_i
    input logic [3:0][1:0] bus_response_i,
    input logic resetting_i,
    input logic aborting_i,
    input logic busy_i,
    input logic [7:0] jobs_i,
    input logic [15:0] submit_producer_i,
    input logic [15:0] submit_consumer_i,
    input logic [15:0] complete_producer_i,
    input logic [15:0] complete_consumer_i,
    input logic [lockstep_pkg::Events-1:0][63:0] counters_i
);
  import lockstep_pkg::*;

  localparam logic [63:0] Capacity = CardBytes;
  localparam int unsigned BusErrors = 4;

  logic [31:0] scratch_q, watchdog_q;
  logic [63:0] submit_base_q, complete_base_q, error_address_q;
  logic [ 3:0] log2_q;
  logic [15:0] abort_q;
  logic enable_q, locked_q;
  logic [IntBits-1:0] int_enable_q;
  logic [ErrorBits-1:0] error_q, error_set, error_clear;
  logic [9:0] error_info_q;

  assign enable_o        = enable_q && !halted_o;
  assign halted_o        = error_q[ErrorCompletionWrite] || error_q[ErrorEngineStuck] || halt_q;
  assign submit_base_o   = submit_base_q;
  assign complete_base_o = complete_base_q;
  assign ring_log2_o     = log2_q;
  assign watchdog_o      = watchdog_q;
  assign int_enable_o    = int_enable_q;

  // Writes. A register that is none, is written in part, or is only read makes the access bad.
  logic write, known, bad_queue, bad_doorbell, doorbell, can_configure, queue_ok, sets_enable;
  int unsigned offset;
  assign offset = 32'(write_addr_i);
  assign write = write_i && write_whole_i;
  assign operand_o = write_data_i[15:0];
  assign queue_ok  = submit_base_q[5:0] == '0 && complete_base_q[5:0] == '0 && 32'(log2_q) >= RingLog2Min;
  assign sets_enable = write && offset == RegControl && write_data_i[FieldControlEnableLow];
  assign bad_queue = sets_enable && !queue_ok;
  assign doorbell = write && (offset == RegDoorbellSubmit || offset == RegDoorbellComplete);
  assign bad_doorbell = doorbell && (!enable_o || write_data_i[31:16] != '0);
  assign submit_o = doorbell && !bad_doorbell && offset == RegDoorbellSubmit;
  assign complete_o = doorbell && !bad_doorbell && offset == RegDoorbellComplete;
  assign abort_o = write && offset == RegAbort;
  assign reset_o = write && offset == RegControl && write_data_i[FieldControlResetLow];
  assign int_acknowledge_o = (write && offset == RegIntStatus) ? write_data_i[IntBits-1:0] : '0;
  assign int_force_o = (write && offset == RegIntForce) ? write_data_i[IntBits-1:0] : '0;
  assign error_clear = (write && offset == RegErrorStatus) ? write_data_i[ErrorBits-1:0] : '0;
  assign can_configure = !locked_q;

  always_comb begin
    unique case (offset)
      RegScratch, RegControl, RegErrorStatus, RegWatchdog, RegAbort, RegIntStatus, RegIntEnable, RegIntForce,
      RegSubmitBaseLo, RegSubmitBaseHi, RegCompleteBaseLo, RegCompleteBaseHi, RegRingLog2, RegDoorbellSubmit,
      RegDoorbellComplete:
      known = 1'b1;
      default: known = 1'b0;
    endcase
  end

  always_comb begin
    error_set = error_set_i;
    if (write_i && (!write_whole_i || !known)) error_set[ErrorBadAccess] = 1'b1;
    if (bad_queue) error_set[ErrorBadQueue] = 1'b1;
    if (bad_doorbell) error_set[ErrorBadDoorbell] = 1'b1;
  end
  assign error_event_o = (error_set & ~error_q) != '0;

  // Halting is not undone by clearing its error.
  logic halt_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      scratch_q <= '0;
    end else if (write && offset == RegScratch) begin
      scratch_q <= write_data_i;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      enable_q        <= 1'b0;
      locked_q        <= 1'b0;
      halt_q          <= 1'b0;
      watchdog_q      <= '0;
      submit_base_q   <= '0;
      complete_base_q <= '0;
      log2_q          <= '0;
      abort_q         <= '0;
      int_enable_q    <= '0;
      error_q         <= '0;
      error_info_q    <= '0;
      error_address_q <= '0;
    end else if (clear_i) begin
      enable_q        <= 1'b0;
      locked_q        <= 1'b0;
      halt_q          <= 1'b0;
      watchdog_q      <= '0;
      submit_base_q   <= '0;
      complete_base_q <= '0;
      log2_q          <= '0;
      abort_q         <= '0;
      int_enable_q    <= '0;
      error_q         <= '0;
      error_info_q    <= '0;
      error_address_q <= '0;
    end else begin
      error_q <= (error_q & ~error_clear) | error_set;
      halt_q  <= halted_o;
      if (error_q[BusErrors-1:0] == '0) begin
        for (int unsigned i = 0; i < BusErrors; i++) begin
          if (error_set_i[BusErrors-1-i]) begin
            error_info_q    <= {bus_response_i[BusErrors-1-i], 8'(BusErrors - 1 - i)};
            error_address_q <= bus_address_i[BusErrors-1-i];
          end
        end
      end
      if (abort_o) abort_q <= operand_o;
      if (write) begin
        unique case (offset)
          RegControl: begin
            enable_q <= sets_enable && queue_ok && !resetting_i && !reset_o;
            if (sets_enable && queue_ok) locked_q <= 1'b1;
          end
          RegWatchdog: watchdog_q <= write_data_i;
          RegIntEnable: int_enable_q <= write_data_i[IntBits-1:0];
          RegSubmitBaseLo: if (can_configure) submit_base_q[31:0] <= write_data_i;
          RegSubmitBaseHi: if (can_configure) submit_base_q[63:32] <= write_data_i;
          RegCompleteBaseLo: if (can_configure) complete_base_q[31:0] <= write_data_i;
          RegCompleteBaseHi: if (can_configure) complete_base_q[63:32] <= write_data_i;
          RegRingLog2:
          if (can_configure) log2_q <= (write_data_i > RingLog2Max) ? '0 : write_data_i[3:0];
          default: ;
        endcase
      end
    end
  end

  // Reads.
  int unsigned where, counter;
  assign where   = 32'(read_addr_i);
  assign counter = (where - Counters) >> 3;

  always_comb begin
    unique case (where)
      RegId: read_data_o = IdValue;
      RegVersion: read_data_o = InterfaceVersion;
      RegBuildId: read_data_o = BuildId;
      RegScratch: read_data_o = scratch_q;
      RegCapArray: read_data_o = {16'(ArraySize), 16'(ArraySize)};
      RegCapLimits: read_data_o = {16'(MaxHidden), 16'(MaxTokens)};
      RegCapVectors: read_data_o = {16'(YDepth >> 6), 16'(VDepth >> 6)};
      RegCapBuffers: read_data_o = {16'(RingDepth >> 6), 16'(PDepth >> 6)};
      RegCapCardBytesLo: read_data_o = Capacity[31:0];
      RegCapCardBytesHi: read_data_o = Capacity[63:32];
      RegCapPorts: read_data_o = {16'(DataWidth / 8), 16'(DataWidth / 8)};
      RegCapQueue: read_data_o = {8'd0, 8'(Vectors), 8'(Jobs), 8'(RingLog2Max)};
      RegCapProgram: read_data_o = {16'hffff, 16'(ProgramVersion)};
      RegCapOperands: read_data_o = {16'(BDepth >> 6), 16'(ADepth >> 6)};
      RegCapClockKhz: read_data_o = ClockKhz;
      RegCapCounters: read_data_o = Events;
      RegControl: read_data_o = {30'd0, resetting_i, enable_q};
      RegStatus:
      read_data_o = {16'd0, jobs_i, 3'd0, aborting_i, halted_o, resetting_i, busy_i, enable_o};
      RegErrorStatus: read_data_o = 32'(error_q);
      RegErrorInfo: read_data_o = 32'(error_info_q);
      RegErrorAddressLo: read_data_o = error_address_q[31:0];
      RegErrorAddressHi: read_data_o = error_address_q[63:32];
      RegWatchdog: read_data_o = watchdog_q;
      RegAbort: read_data_o = 32'(abort_q);
      RegIntStatus: read_data_o = 32'(int_status_i);
      RegIntEnable: read_data_o = 32'(int_enable_q);
      RegSubmitBaseLo: read_data_o = submit_base_q[31:0];
      RegSubmitBaseHi: read_data_o = submit_base_q[63:32];
      RegCompleteBaseLo: read_data_o = complete_base_q[31:0];
      RegCompleteBaseHi: read_data_o = complete_base_q[63:32];
      RegRingLog2: read_data_o = 32'(log2_q);
      RegSubmitIndex: read_data_o = {submit_consumer_i, submit_producer_i};
      RegCompleteIndex: read_data_o = {complete_consumer_i, complete_producer_i};
      RegDoorbellSubmit: read_data_o = 32'(submit_producer_i);
      RegDoorbellComplete: read_data_o = 32'(complete_consumer_i);
      default: begin
        read_data_o = '0;
        if (where >= Counters && counter < Events && where[1:0] == '0) begin
          read_data_o = where[2] ? counters_i[5'(counter)][63:32] : counters_i[5'(counter)][31:0];
        end
      end
    endcase
  end
endmodule
