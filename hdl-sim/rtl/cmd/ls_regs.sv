// The registers: what the driver writes, the sticky errors, and what each register reads as.
module ls_regs
  import ls_bus_pkg::*;
  import ls_cmd_pkg::*;
  import lockstep_pkg::*;
#(
    parameter int unsigned DataWidth = 128,
    parameter card_t Card = DefaultCard
) (
    input logic clk_i,
    input logic rst_ni,
    input logic clear,  // the end of a soft reset
    input register_write_t write,
    input logic [OffsetBits-1:0] read_addr,
    output logic [31:0] read_data,
    output order_t order,
    output logic enable,
    output logic halted,
    output logic [63:0] submit_base_o,
    output logic [63:0] complete_base_o,
    output logic [3:0] ring_log2,
    output logic [31:0] watchdog,
    output int_control_t int_control,
    output logic error_event,  // a bit of ERROR_STATUS became set
    input logic [IntBits-1:0] int_status,
    // The errors, without those of the buses, BAD_ACCESS and BAD_QUEUE.
    input logic [ErrorBits-1:0] error_set_i,
    input bus_error_t [3:0] bus_error,  // by port
    input logic drain,  // a soft reset is under way
    input work_t work,
    input ring_t submit,  // its base is submit_base_o
    input ring_t complete,
    input logic [Events-1:0][63:0] counters
);
  localparam int unsigned BusErrors = 4;

  logic [31:0] scratch_q;
  addr_t error_address_q;
  logic [15:0] abort_q;
  logic enable_q, locked_q, halt_q;
  logic [IntBits-1:0] int_enable_q;
  logic [ErrorBits-1:0] error_q, error_set, error_clear;
  logic [9:0] error_info_q;

  assign enable = enable_q && !halted;
  // Clearing the error bit does not undo a halt.
  assign halted = error_q[ErrorCompletionWrite] || error_q[ErrorEngineStuck] || halt_q;

  // Writes. A write sets BAD_ACCESS if the offset has no register, if not all four bytes are
  // written, or if the register is read-only.
  logic whole, known, bad_queue, bad_doorbell, doorbell, can_configure, queue_ok, sets_enable;
  logic [31:0] data;
  int unsigned offset;
  assign offset = 32'(write.addr);
  assign data = write.data;
  assign whole = write.valid && write.whole;
  assign queue_ok = submit_base_o[5:0] == '0 && complete_base_o[5:0] == '0 &&
      32'(ring_log2) >= RingLog2Min;
  assign sets_enable = whole && offset == RegControl && data[FieldControlEnableLow];
  assign bad_queue = sets_enable && !queue_ok;
  assign doorbell = whole && (offset == RegDoorbellSubmit || offset == RegDoorbellComplete);
  assign bad_doorbell = doorbell && (!enable || data[31:16] != '0);
  assign order = '{
          reset: whole && offset == RegControl && data[FieldControlResetLow],
          submit: doorbell && !bad_doorbell && offset == RegDoorbellSubmit,
          complete: doorbell && !bad_doorbell && offset == RegDoorbellComplete,
          abort: whole && offset == RegAbort,
          operand: data[15:0]
      };
  assign int_control = '{
          enable: int_enable_q,
          acknowledge: (whole && offset == RegIntStatus) ? data[IntBits-1:0] : '0,
          raise: (whole && offset == RegIntForce) ? data[IntBits-1:0] : '0
      };
  assign error_clear = (whole && offset == RegErrorStatus) ? data[ErrorBits-1:0] : '0;
  assign can_configure = !locked_q;

  always_comb begin
    unique case (offset)
      RegScratch, RegControl, RegErrorStatus, RegWatchdog, RegAbort, RegIntStatus, RegIntEnable,
      RegIntForce, RegSubmitBaseLo, RegSubmitBaseHi, RegCompleteBaseLo, RegCompleteBaseHi,
      RegRingLog2, RegDoorbellSubmit, RegDoorbellComplete:
      known = 1'b1;
      default: known = 1'b0;
    endcase
  end

  always_comb begin
    error_set = error_set_i;
    for (int unsigned i = 0; i < BusErrors; i++) error_set[i] = bus_error[i].valid;
    if (write.valid && (!write.whole || !known)) error_set[ErrorBadAccess] = 1'b1;
    if (bad_queue) error_set[ErrorBadQueue] = 1'b1;
    if (bad_doorbell) error_set[ErrorBadDoorbell] = 1'b1;
  end
  assign error_event = (error_set & ~error_q) != '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      scratch_q <= '0;
    end else if (whole && offset == RegScratch) begin
      scratch_q <= data;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      enable_q        <= 1'b0;
      locked_q        <= 1'b0;
      halt_q          <= 1'b0;
      watchdog        <= '0;
      submit_base_o   <= '0;
      complete_base_o <= '0;
      ring_log2       <= '0;
      abort_q         <= '0;
      int_enable_q    <= '0;
      error_q         <= '0;
      error_info_q    <= '0;
      error_address_q <= '0;
    end else if (clear) begin
      enable_q        <= 1'b0;
      locked_q        <= 1'b0;
      halt_q          <= 1'b0;
      watchdog        <= '0;
      submit_base_o   <= '0;
      complete_base_o <= '0;
      ring_log2       <= '0;
      abort_q         <= '0;
      int_enable_q    <= '0;
      error_q         <= '0;
      error_info_q    <= '0;
      error_address_q <= '0;
    end else begin
      error_q <= (error_q & ~error_clear) | error_set;
      halt_q  <= halted;
      if (error_q[BusErrors-1:0] == '0) begin
        for (int unsigned i = 0; i < BusErrors; i++) begin
          if (bus_error[BusErrors-1-i].valid) begin
            error_info_q    <= {bus_error[BusErrors-1-i].resp, 8'(BusErrors - 1 - i)};
            error_address_q <= bus_error[BusErrors-1-i].addr;
          end
        end
      end
      if (order.abort) abort_q <= order.operand;
      if (whole) begin
        unique case (offset)
          RegControl: begin
            enable_q <= sets_enable && queue_ok && !drain && !order.reset;
            if (sets_enable && queue_ok) locked_q <= 1'b1;
          end
          RegWatchdog: watchdog <= data;
          RegIntEnable: int_enable_q <= data[IntBits-1:0];
          RegSubmitBaseLo: if (can_configure) submit_base_o[31:0] <= data;
          RegSubmitBaseHi: if (can_configure) submit_base_o[63:32] <= data;
          RegCompleteBaseLo: if (can_configure) complete_base_o[31:0] <= data;
          RegCompleteBaseHi: if (can_configure) complete_base_o[63:32] <= data;
          RegRingLog2: if (can_configure) ring_log2 <= (data > RingLog2Max) ? '0 : data[3:0];
          default: ;
        endcase
      end
    end
  end

  // Reads.
  int unsigned where, counter;
  assign where   = 32'(read_addr);
  assign counter = (where - Counters) >> 3;

  always_comb begin
    unique case (where)
      RegId: read_data = IdValue;
      RegVersion: read_data = InterfaceVersion;
      RegBuildId: read_data = Card.build_id;
      RegScratch: read_data = scratch_q;
      RegCapArray: read_data = {Card.array, Card.array};
      RegCapLimits: read_data = {Card.max_hidden, Card.max_tokens};
      RegCapVectors: read_data = {16'(Card.y_depth >> 6), 16'(Card.v_depth >> 6)};
      RegCapBuffers: read_data = {16'(Card.ring_depth >> 6), 16'(Card.p_depth >> 6)};
      RegCapCardBytesLo: read_data = Card.card_bytes[31:0];
      RegCapCardBytesHi: read_data = Card.card_bytes[63:32];
      RegCapPorts: read_data = {16'(DataWidth / 8), 16'(DataWidth / 8)};
      RegCapQueue: read_data = {8'd0, 8'(Vectors), Card.jobs, 8'(RingLog2Max)};
      RegCapProgram: read_data = {16'hffff, Card.program_version};
      RegCapOperands: read_data = {16'(Card.b_depth >> 6), 16'(Card.a_depth >> 6)};
      RegCapClockKhz: read_data = Card.clock_khz;
      RegCapCounters: read_data = Events;
      RegControl: read_data = {30'd0, drain, enable_q};
      RegStatus:
      read_data = {16'd0, work.jobs, 3'd0, work.aborting, halted, drain, work.busy, enable};
      RegErrorStatus: read_data = 32'(error_q);
      RegErrorInfo: read_data = 32'(error_info_q);
      RegErrorAddressLo: read_data = error_address_q[31:0];
      RegErrorAddressHi: read_data = error_address_q[63:32];
      RegWatchdog: read_data = watchdog;
      RegAbort: read_data = 32'(abort_q);
      RegIntStatus: read_data = 32'(int_status);
      RegIntEnable: read_data = 32'(int_enable_q);
      RegSubmitBaseLo: read_data = submit_base_o[31:0];
      RegSubmitBaseHi: read_data = submit_base_o[63:32];
      RegCompleteBaseLo: read_data = complete_base_o[31:0];
      RegCompleteBaseHi: read_data = complete_base_o[63:32];
      RegRingLog2: read_data = 32'(ring_log2);
      RegSubmitIndex: read_data = {submit.consumer, submit.producer};
      RegCompleteIndex: read_data = {complete.consumer, complete.producer};
      RegDoorbellSubmit: read_data = 32'(submit.producer);
      RegDoorbellComplete: read_data = 32'(complete.consumer);
      default: begin
        read_data = '0;
        if (where >= Counters && counter < Events && where[1:0] == '0) begin
          read_data = where[2] ? counters[5'(counter)][63:32] : counters[5'(counter)][31:0];
        end
      end
    endcase
  end
endmodule
